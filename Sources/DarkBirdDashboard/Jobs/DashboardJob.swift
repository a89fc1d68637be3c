public import DarkBird
import Foundation

/// Long work that can be started from the dashboard: backups, exports and checkpoints are there by themselves, and a program adds its own with
/// `DashboardOptions.jobs`.
///
///     options.jobs.append(
///       DashboardJob("send-report", "send the report of today", asking: ["send to"]) { answers, progress in
///         for (number, player) in players.enumerated() {
///           if !progress(.init(documents: number, total: players.count)) { throw CancellationError() }
///           try send(player, to: answers[0])
///         }
///         return "\(players.count) players"
///       })
///
/// It is in the palette under its name, asks what it needs to know, and runs on a thread of its own; the dashboard shows how far
/// it has come, and what came of it.
public struct DashboardJob: Sendable {
  /// What is asked before a job begins.
  public struct Question: Sendable, Hashable, ExpressibleByStringLiteral {
    /// Such as `back up to`.
    public var label: String
    /// What stands in the line at first.
    public var suggestion: String
    /// Whether an empty line is an answer.
    public var isOptional: Bool

    public init(_ label: String, suggestion: String = "", isOptional: Bool = false) {
      self.label = label
      self.suggestion = suggestion
      self.isOptional = isOptional
    }

    public init(stringLiteral label: String) { self.init(label) }
  }

  /// How far a job has come.
  public struct Progress: Sendable, Hashable {
    public var documents: Int
    /// Nil while nobody knows, and for what has no end.
    public var total: Int?
    /// Of all that is to be done, 0...1; nil if nobody knows. What the documents tell, if nothing else is said.
    public var share: Double?
    /// A few words about what it does just now, such as `looking at the fields`.
    public var note: String

    public init(documents: Int = 0, total: Int? = nil, share: Double? = nil, note: String = "") {
      self.documents = documents
      self.total = total
      self.share = share ?? total.map { $0 > 0 ? Double(documents) / Double($0) : 1 }
      self.note = note
    }

    public init(_ progress: JobProgress) { self.init(documents: progress.documents, total: progress.total) }
  }

  /// Thrown by a job that has given up because it was asked to.
  public struct Cancelled: Error, Sendable {
    /// What is left of it, for people.
    public var remains: String

    public init(_ remains: String = "") { self.remains = remains }
  }

  /// What a job does with the answers to its questions, in their order. `progress` may be called as often as one likes; false
  /// asks to give up, with `Cancelled`, `CancellationError` or `StoreError.cancelled` and nothing left half done.
  /// - Returns: what came of it, in one line for people.
  /// - Throws: why it did not work; the description is one line for people.
  public typealias Body = @Sendable (_ answers: [String], _ progress: (Progress) -> Bool) throws -> String

  /// In lower case, words joined by `-`: the name of its command.
  public var name: String
  /// What it does, for the palette.
  public var summary: String
  public var questions: [Question]
  /// Asked with yes or no before it begins, over its name and subject: `Remove these bets?`. Nil for a job that begins at once.
  public var confirmation: String?
  /// What the list of jobs shows beside the name.
  public var subject: @Sendable (_ answers: [String]) -> String
  public var body: Body

  public init(
    _ name: String, _ summary: String, asking questions: [Question] = [],
    confirming confirmation: String? = nil,
    subject: @escaping @Sendable (_ answers: [String]) -> String = { $0.filter { !$0.isEmpty }.joined(separator: " ") },
    body: @escaping Body
  ) {
    self.name = name
    self.summary = summary
    self.questions = questions
    self.confirmation = confirmation
    self.subject = subject
    self.body = body
  }

  /// Its name, and what is done to what.
  func title(_ answers: [String]) -> String {
    let subject = subject(answers)
    return subject.isEmpty ? name : "\(name) \(subject)"
  }
}

extension DashboardJob {
  /// `backup-to`: all documents into one file that can be checked by itself, while writes go on.
  static func backup<Key, Document>(of store: Store<Key, Document>) -> DashboardJob {
    DashboardJob(
      "backup-to", "all documents into one file that can be checked by itself", asking: ["back up to"]
    ) { answers, progress in
      let path = expandedPath(answers[0])
      do {
        let report = try store.backup(to: path) { progress(Progress($0)) }
        return "\(Format.counted(report.documents, "document")), \(Format.bytes(report.bytes))"
          + ", up to LSN \(Format.grouped(report.lsn))"
      } catch StoreError.cancelled {
        throw Cancelled("there is no \(path)")
      }
    }
  }

  /// `checkpoint`: what else comes by itself once the log has grown. Writes go on meanwhile.
  static func checkpoint<Key, Document>(of store: Store<Key, Document>) -> DashboardJob {
    DashboardJob(
      "checkpoint", "write all documents anew, and drop the full pages of the log before"
    ) { _, progress in
      if !progress(Progress(note: "writing all documents")) { throw CancellationError() }
      let before = store.statistics().log
      try store.checkpoint()
      guard let log = store.statistics().log, let lsn = log.checkpointLSN else { return "there is no log" }
      let size = "\(Format.bytes(log.checkpointBytes)), up to LSN \(Format.grouped(lsn))"
      if log.checkpoints == before?.checkpoints { return "nothing has changed since the last one: \(size)" }
      let left = Format.bytes(log.bytesOnDisk - log.checkpointBytes)
      return "\(size); log \(Format.counted(log.pagesOnDisk, "page")), \(left)"
    }
  }

  /// What every dashboard of a store can start.
  static func standard<Key, Document>(of store: Store<Key, Document>, _ source: any Source) -> [DashboardJob] {
    let hasLog = !store.configuration.isReadOnly && store.configuration.location != .memory
    return [.backup(of: store), .export(of: source)] + (hasLog ? [.checkpoint(of: store)] : [])
  }

  /// `export-to`: all documents into a file that other programs read.
  static func export(of source: any Source) -> DashboardJob {
    DashboardJob(
      "export-to", "all documents into an .ndjson, .json or .csv file", asking: ["export to"]
    ) { answers, progress in
      guard let format = DocumentFormat(path: answers[0]) else { throw UnknownForm() }
      let path = expandedPath(answers[0])
      return try ExportRequest(selection: .query(Query(), limit: nil), path: path, format: format)
        .write(from: source, progress)
    }
  }

  /// Of the name of a file.
  struct UnknownForm: Error, CustomStringConvertible {
    let description = "the end of the name says the form: .json, .ndjson or .csv"
  }
}

/// A path that was typed, its `~` as a shell understands it: what the environment calls home.
package func expandedPath(_ typed: String) -> String {
  if typed == "~" || typed.hasPrefix("~/"), let home = ProcessInfo.processInfo.environment["HOME"], !home.isEmpty {
    return home + typed.dropFirst()
  }
  return NSString(string: typed).expandingTildeInPath
}
