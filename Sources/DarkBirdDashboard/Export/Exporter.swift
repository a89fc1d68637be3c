import DarkBird
import Dispatch
import Foundation
import Synchronization

/// What is to be written where.
struct ExportRequest: Hashable, Sendable {
  var selection: Selection
  var path: String
  var format: DocumentFormat
}

/// How far an export has come.
struct ExportProgress: Hashable, Sendable {
  enum Outcome: Hashable, Sendable {
    case running, done, cancelled
    case failed(String)
  }

  var documents = 0
  /// nil while nobody knows.
  var total: Int?
  /// Whether the documents are only looked at yet: the header of a table needs the fields of all.
  var isLooking = false
  var outcome = Outcome.running
}

/// Writes results to a file, on a thread of its own and one export at a time: all of them as they are at one moment. The
/// file has its name only when it is whole, and never replaces another. Only a program that is killed leaves a part of one.
final class Exporter: Sendable {
  private static let pageSize = 1_000

  private struct State {
    var isRunning = false
    var isCancelled = false
  }

  private let state = Mutex(State())
  private let running = DispatchGroup()
  private let source: any Source
  private let deliver: @Sendable (ExportProgress) -> Void

  init(source: any Source, deliver: @escaping @Sendable (ExportProgress) -> Void) {
    self.source = source
    self.deliver = deliver
  }

  func start(_ request: ExportRequest) {
    let isFree = state.withLock { state in
      defer { if !state.isRunning { state = State(isRunning: true) } }
      return !state.isRunning
    }
    // The model asks for one at a time.
    guard isFree else { return }
    running.enter()
    let thread = Thread { [self] in
      let progress = run(request)
      state.withLock { $0.isRunning = false }
      deliver(progress)
      running.leave()
    }
    thread.name = "darkbird-export"
    thread.start()
  }

  func cancel() { state.withLock { $0.isCancelled = true } }

  /// Ends what is running, and waits until the half of a file is gone.
  func stop() {
    cancel()
    running.wait()
  }

  private var isCancelled: Bool { state.withLock { $0.isCancelled } }

  /// Writes the file on this thread.
  /// - Returns: how it ended.
  func run(_ request: ExportRequest) -> ExportProgress {
    var progress = ExportProgress()
    do {
      let file = try DocumentFile(request.path)
      defer { file.cancel() }
      progress.total = (try? source.count(request.selection)) ?? nil
      let pages = try source.pages(request.selection)
      let columns = request.format == .csv ? try columns(request, pages, progress) : []
      var writer = DocumentWriter(request.format, columns: columns, to: file.write)
      try writer.begin()
      var count = 0
      try forEach(request, pages, progress) { row in
        try writer.write(key: row.key.value, row.record)
        count += 1
      }
      progress.documents = count
      if isCancelled {
        progress.outcome = .cancelled
        return progress
      }
      try writer.finish()
      try file.finish()
      progress.outcome = .done
    } catch {
      progress.outcome = .failed("\(error)")
    }
    return progress
  }

  /// The key and the fields that any document has, in the order in which they come up, and of what kind they are.
  private func columns(_ request: ExportRequest, _ pages: Pages, _ progress: ExportProgress) throws -> [CSVColumn] {
    var columns = CSVColumns()
    var progress = progress
    progress.isLooking = true
    try forEach(request, pages, progress) { columns.look(at: $0.key.value, $0.record) }
    return columns.columns
  }

  private func forEach(
    _ request: ExportRequest, _ pages: Pages, _ progress: ExportProgress, _ body: (ResultRow) throws -> Void
  ) throws {
    var progress = progress
    var shown = ContinuousClock.now
    var left = Int.max
    if case .query(_, let limit?) = request.selection { left = limit }
    var mark: PageMark?
    repeat {
      let page = try pages(min(left, Self.pageSize), mark)
      for row in page.rows { try body(row) }
      left -= page.rows.count
      mark = page.next
      progress.documents += page.rows.count
      if ContinuousClock.now - shown > .milliseconds(100) {
        shown = .now
        deliver(progress)
      }
    } while mark != nil && left > 0 && !isCancelled
  }
}

extension RowKey {
  /// The key as a value, for JSON.
  var value: Value { (try? DocumentDigest.key(Value.self, encoded: encoded)) ?? .string(text) }
}
