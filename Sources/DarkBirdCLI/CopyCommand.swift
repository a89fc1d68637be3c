import ArgumentParser
import DarkBird

struct CopyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "copy",
    abstract: "Make a table of a Postgres, Cassandra or Scylla database equal to a store.",
    discussion: """
      The table is made if it is not there: key, document as JSON, lsn (the number of the change that made this version), \
      tags and each range field as columns, in Postgres with indexes. Afterwards it has exactly the documents of the store: \
      rows of documents that the store does not have are removed, and those that are as they should be are not touched. So a \
      copy may be repeated, and one that was killed or lost its connection goes on where it stopped. In Postgres, each 5,000 \
      documents are a transaction; in Cassandra, rows go over one by one, at timestamps that grow with the LSN. A table that \
      darkbird has not made is never touched. The table darkbird_copies keeps whose copy each table is; 'darkbird mirror' \
      goes on from there.

      A password comes from PGPASSFILE (~/.pgpass) or PGPASSWORD, for Cassandra from CASSANDRA_PASSWORD, or is asked for on \
      the terminal; one in the address is refused, because it would be in the list of processes. Other settings as libpq has \
      them: postgres://ada@db.example.org:5433/club?sslmode=verify-full. For Cassandra, cassandras:// encrypts and verifies, \
      and there are ca=FILE, tls=verify-full|verify-ca|require, consistency=local_quorum, timeout=12. No other process may \
      have the store open for writing; a program that has it open copies itself, with store.copy(to:).

        darkbird copy D --to postgres://ada@localhost/club
        darkbird copy D --to postgres:///club --table players
        darkbird load E --from postgres:///club --table players
        darkbird copy D --to cassandras://ada@db1.example.org,db2.example.org/club
      """)

  @Argument(help: "The store.")
  var directory: String

  @OptionGroup var target: TargetArguments

  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    let database = try DatabaseAddress.connected(target.to)
    let store = try openForReading(directory)
    let stop = StopSignals()
    let progress = Progress("copied")
    let report: CopyReport
    do {
      report = try database.copy(store, to: target.table, replaces: target.replace) { update in
        progress.update(update)
        return !stop.isRequested
      }
      progress.clear()
    } catch {
      progress.clear()
      throw target.failure(error, stop, database, of: directory)
    }
    if json { return try printResult(try jsonLine(report)) }
    try printResult("copied \(report.documents): \(report.written) written, \(report.removed) removed")
  }
}

struct MirrorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "mirror",
    abstract: "Bring the table of a copy up to date with what the store's log has since.",
    discussion: """
      As 'darkbird copy', but without a look at all documents: the table knows up to which change it is complete, and the \
      log of the store has what came after it. Where the log does not reach back so far, all documents are compared, as \
      'copy' does. Each batch and the number of its last change go over in one transaction, in Cassandra one after the \
      other: killed at any moment, the next mirror goes on there; nothing is missed, and what comes twice changes nothing. A lost connection is made again, after 0.1 s at \
      first, then ever later, up to 10 s.

      A store that a program has open is locked, so this command opens it itself, brings the table up to date and ends. A \
      program keeps a table up to date while it runs with store.mirror(to:). Passwords as for 'darkbird copy'.

        darkbird mirror D --to postgres://ada@localhost/club --table players
      """)

  @Argument(help: "The store.")
  var directory: String

  @OptionGroup var target: TargetArguments

  func run() throws {
    let database = try DatabaseAddress.connected(target.to)
    let store = try onStore(directory) { try RecordStore.open(directory, readOnly: false) }
    let stop = StopSignals()
    let progress = Progress("mirrored")
    var reconnections = 0
    var result = MirrorProgress()
    do {
      result = try database.mirror(
        store, to: target.table, replaces: target.replace, endsWhenComplete: true
      ) { update in
        switch update.state {
        case .waiting(let reason) where update.reconnections == reconnections:
          progress.clear()
          printNote(oneLine("\(target.to): \(reason); trying again"))
          reconnections += 1
        case .copying(let job): progress.update(job)
        default: progress.update(documents: update.changes, share: nil)
        }
        return !stop.isRequested
      }
      progress.clear()
      try store.close()
    } catch {
      progress.clear()
      try? store.close()
      throw target.failure(error, stop, database, of: directory)
    }
    if stop.isRequested { throw target.givenUp(stop) }
    try printResult("mirrored \(result.changes) changes, up to LSN \(result.lsn ?? 0)")
  }
}

/// The table that a store goes to.
struct TargetArguments: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The database: postgres://user@host:port/database or cassandra://user@host:port/keyspace.", valueName: "url"))
  var to: String

  @Option(
    help: ArgumentHelp(
      "The table, as the database writes its name: players, club.players, '\"Players\"'.", valueName: "table"))
  var table = "documents"

  @Flag(help: "Make a table that is a copy of another store one of this store, and write every row again.")
  var replace = false

  /// The end of a command that did not work, of the store in `directory`.
  func failure(
    _ error: any Error, _ stop: StopSignals, _ database: DatabaseAddress, of directory: String
  ) -> any Error {
    if case StoreError.cancelled? = error as? StoreError { return givenUp(stop) }
    return Failure(error, path: directory, database: database.description)
  }

  /// The end of a command after a signal.
  func givenUp(_ stop: StopSignals) -> ExitCode {
    printError("given up; what went over stays, and the next copy or mirror goes on from there")
    return ExitCode(128 + (stop.received ?? 0))
  }
}
