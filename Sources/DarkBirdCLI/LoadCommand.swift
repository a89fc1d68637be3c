import ArgumentParser
import DarkBird

struct LoadCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "load",
    abstract: "Load a table or a query of a Postgres, Cassandra or Scylla database into a store.",
    discussion: """
      A table that 'darkbird copy' has made gives the documents, keys and indexes of the store that it was. Any other table \
      or query gives a document for each row, with a field for each column. Its key is the column --key; given several \
      times, an array of these columns; without, the primary key of the table. A document that is there already under this \
      key is replaced.

      Types: boolean, integers, floating point; numeric as an integer or floating point where that keeps every digit, else \
      as text; text, varchar, char, name, uuid and enumerations as text; bytea as bytes; date, timestamp (taken as UTC) and \
      timestamptz as dates; time and interval as text; json and jsonb as what they are; arrays of these; NULL as null. A \
      column of another type is refused with its name: leave it out with --query, or cast it there. Of Cassandra, varint and \
      decimal are as numeric, inet, time and duration text, sets, lists and tuples arrays, maps with text keys and types of \
      one's own maps; --where may name any column, and is not for a --query.

      A --query only reads: one that would change the database is refused.

      --unique, --tag and --range say which fields are indexed, as for 'darkbird import'. A new store is made beside its \
      place and gets there when all is loaded. A row that cannot come in is reported, the rest goes on, and the exit code \
      is 65. Passwords as for 'darkbird copy'.

        darkbird load D --from postgres:///club --table players --key id --tag team --range born
        darkbird load D --from postgres:///club --table players --where "team = 'Ajax'"
        darkbird load D --from postgres:///club --query 'SELECT id, name FROM players' --key id
        darkbird load D --from cassandra://ada@localhost/club --table players --where 'born > 1990'
      """)

  @Argument(help: "The store: a directory, made if it does not exist.")
  var directory: String

  @Option(
    help: ArgumentHelp(
      "The database: postgres://user@host:port/database or cassandra://user@host:port/keyspace.", valueName: "url"))
  var from: String

  @Option(help: ArgumentHelp("The table, as the database writes its name. (default: documents)", valueName: "table"))
  var table: String?

  @Option(help: ArgumentHelp("What to load instead of a table.", valueName: "sql"))
  var query: String?

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp("Only rows that meet this condition, as after WHERE.", valueName: "sql"))
  var condition: String?

  @Option(help: ArgumentHelp("The column that is the key; several make one key.", valueName: "column"))
  var key: [String] = []

  @OptionGroup var indexes: IndexArguments

  func validate() throws {
    if table != nil && query != nil { throw ValidationError("--table and --query exclude each other") }
    if query != nil && key.isEmpty { throw ValidationError("--query needs --key") }
  }

  func run() throws {
    let database = try DatabaseAddress.connected(from)
    var wanted = indexes.fields
    let isNew = try onStore(directory) { try isNewStore(directory) }
    // It is made beside its place, and no directory takes the place of one that goes by its dots only.
    if isNew, [".", ".."].contains(directory.split(separator: "/").last) {
      throw Failure(.usage, directory, "a new store needs the directory by its name")
    }
    // The rows come first: a table that cannot be read must leave no store behind.
    let rows: DatabaseDocuments
    do {
      if !isNew { try checkIndexes(wanted, of: directory) }
      rows = try database.documents(of: table ?? "documents", query: query, key: key, where: condition)
    } catch {
      throw Failure(error, path: directory, database: database.description)
    }
    if isNew && wanted.isEmpty, let fields = rows.fields { wanted = fields }
    let stop = StopSignals()
    let draft = isNew ? try StoreInTheMaking(directory, wanted) : nil
    let store = try draft?.store ?? openForAdding(directory, wanted)
    var refusals = Refusals(name: table ?? (query == nil ? "documents" : "query"))
    let report: LoadReport
    do {
      report = try store.load(
        from: rows.source, refusal: { refusals.take($0) },
        progress: { update in
          refusals.progress.update(
            JobProgress(documents: update.loaded, total: rows.estimatedRows.map { max($0, update.loaded) }))
          return !stop.isRequested
        })
      refusals.progress.clear()
      if draft == nil { try store.close() }
    } catch {
      refusals.progress.clear()
      if let draft { draft.cancel() } else { try? store.close() }
      throw failure(error, stop, database, isNew: isNew)
    }
    try draft?.finish()
    refusals.end()
    try printResult(report.summary)
    if report.refused > 0 {
      let all = report.refused + report.loaded
      throw Failure(.dataError, directory, "\(report.refused) of \(all) documents were refused")
    }
  }

  private func failure(
    _ error: any Error, _ stop: StopSignals, _ database: DatabaseAddress, isNew: Bool
  ) -> any Error {
    if case StoreError.cancelled? = error as? StoreError {
      printError(isNew ? "given up; nothing was made" : "given up; what was loaded stays")
      return ExitCode(128 + (stop.received ?? 0))
    }
    var failure = Failure(error, path: directory, database: database.description)
    failure.description += isNew ? "; nothing was made" : "; what was loaded before stays"
    return failure
  }
}

extension LoadReport {
  /// In words.
  var summary: String {
    let note = replaced > 0 ? " (\(replaced) of them replaced a document with the same key)" : ""
    return "loaded \(loaded), refused \(refused)\(note)"
  }
}

/// Rows that cannot come in: the first are reported one by one, more of them are counted.
private struct Refusals {
  private static let reportsMax = 100
  let name: String
  let progress = Progress("loaded")
  private var count = 0

  init(name: String) { self.name = name }

  mutating func take(_ refused: RefusedDocument) {
    count += 1
    guard count <= Self.reportsMax else { return }
    progress.clear()
    printNote(harmless("\(name): \(refused.description)"))
  }

  func end() {
    if count > Self.reportsMax { printNote("… and \(grouped(count - Self.reportsMax)) more") }
  }
}
