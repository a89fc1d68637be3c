import DarkBird
import DarkBirdCassandra
import DarkBirdDashboard
import DarkBirdPostgres
import Foundation

extension DashboardJob {
  /// What the library of the dashboard leaves to others, so that a program that shows it needs no database.
  static func databases<Key, Document>(of store: Store<Key, Document>) -> [DashboardJob] {
    let hasLog = !store.configuration.isReadOnly && store.configuration.location != .memory
    return [copy(of: store)] + (hasLog ? [mirror(of: store)] : [])
  }

  private static let target: [Question] = [
    Question("address of the database", suggestion: "postgres://"), Question("table", suggestion: "documents"),
  ]

  /// `copy-to`, as `darkbird copy`.
  private static func copy<Key, Document>(of store: Store<Key, Document>) -> DashboardJob {
    DashboardJob(
      "copy-to", "make a table of a database equal to the store", asking: target, subject: subject
    ) { answers, progress in
      try withDatabase(answers) { database, table in
        do {
          let report = try database.copy(store, to: table) { progress(Progress($0)) }
          return "copied \(grouped(report.documents)): \(grouped(report.written)) written, "
            + "\(grouped(report.removed)) removed"
        } catch StoreError.cancelled {
          throw Cancelled("what went over stays, and the next copy goes on from there")
        }
      }
    }
  }

  /// `mirror-to`: keeps the table equal until it is cancelled, or the dashboard ends.
  private static func mirror<Key, Document>(of store: Store<Key, Document>) -> DashboardJob {
    DashboardJob(
      "mirror-to", "keep a table of a database equal to the store", asking: target, subject: subject
    ) { answers, progress in
      try withDatabase(answers) { database, table in
        let result = try database.mirror(store, to: table, endsWhenComplete: false) { update in
          switch update.state {
          case .copying(let job): return progress(Progress(job))
          case .waiting(let reason):
            return progress(Progress(documents: update.changes, note: oneLine("\(reason); trying again")))
          case .following:
            let behind = update.storeLSN - min(update.storeLSN, update.lsn ?? 0)
            let note = behind == 0 ? "equal" : "\(grouped(behind)) behind"
            return progress(Progress(documents: update.changes, note: note))
          }
        }
        throw Cancelled("\(grouped(result.changes)) changes went over, up to LSN \(grouped(result.lsn ?? 0))")
      }
    }
  }

  /// The list of jobs repeats no password that somebody has typed.
  private static func subject(_ answers: [String]) -> String {
    withoutPasswords(answers[0]) + (answers[1] == "documents" ? "" : " \(answers[1])")
  }

  /// Without asking for a password: the terminal is the dashboard's.
  private static func withDatabase(
    _ answers: [String], _ body: (_ database: DatabaseAddress, _ table: String) throws -> String
  ) throws -> String {
    let database = try DatabaseAddress(answers[0])
    do {
      return try body(database, answers[1])
    } catch let error as DatabaseError {
      let hint = error.needsPassword ? "; \(database.passwordPlaces) may have it" : ""
      throw Failure(.unavailable, database.description, error.reason + hint)
    }
  }

  /// `load-from`, as `darkbird load` into a store that has its indexes.
  static func loading(into store: RecordStore) -> DashboardJob {
    DashboardJob(
      "load-from", "rows of a database into the store",
      asking: target + [
        Question("only rows where", isOptional: true),
        Question("columns that are the key, none for the table's own", isOptional: true),
      ],
      confirming: "Put these rows into the store?", subject: subject
    ) { answers, progress in
      try withDatabase(answers) { database, table in
        let key = answers[3].split(separator: ",").map { $0.trimmingCharacters(in: .whitespaces) }
        let rows = try database.documents(
          of: table, query: nil, key: key, where: answers[2].isEmpty ? nil : answers[2])
        // Of the rows that were refused the first one tells what is wrong; all of them are counted.
        var refusal: String?
        var report = LoadReport()
        do {
          report = try store.load(from: rows.source, refusal: { refusal = refusal ?? $0.description }) { update in
            report = update
            return progress(
              Progress(documents: update.loaded, total: rows.estimatedRows.map { max($0, update.loaded) }))
          }
        } catch StoreError.cancelled {
          throw Cancelled("\(report.summary); that stays")
        }
        if let refusal { throw Failure(.dataError, table, "\(report.summary); the first: \(refusal)") }
        return report.summary
      }
    }
  }

  /// `import-from`, as `darkbird import` into a store that has its indexes.
  static func importing(into store: RecordStore) -> DashboardJob {
    DashboardJob(
      "import-from", "documents of an .ndjson, .json or .csv file into the store",
      asking: ["import from", Question("field that is the key, none for an export", isOptional: true)],
      confirming: "Put these documents into the store?"
    ) { answers, progress in
      let path = expandedPath(answers[0])
      // Not the terminal, which is the dashboard's, nor a pipe, which a job that is cancelled would wait for.
      var status = stat()
      guard path != "-", stat(path, &status) == 0 else { throw Failure(.noInput, answers[0], "no such file") }
      guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(.noInput, answers[0], "not a regular file") }
      let lines = try LineReader(path: path)
      let key = answers[1].isEmpty ? nil : answers[1]
      var reader = try recordReader(lines, isTyped: key == nil)
      // Of the lines that were refused the first one tells what is wrong; all of them are counted.
      var refusal: String?
      var importer = Importer(store: store, key: key, lines: lines) { refusal = refusal ?? $0 }
      do {
        while let record = try reader.next() {
          try importer.take(record)
          if !progress(Progress(documents: importer.imported, share: importer.share)) {
            throw Cancelled("\(importer.summary); that stays")
          }
        }
        try store.sync()
      } catch let cancelled as Cancelled {
        throw cancelled
      } catch {
        var failure = Failure(error, path: path)
        failure.description += "; \(importer.summary), which stays"
        throw failure
      }
      if let refusal { throw Failure(.dataError, path, "\(importer.summary); the first: \(refusal)") }
      return importer.summary
    }
  }
}
