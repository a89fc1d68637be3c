import DarkBird
import Dispatch
import Foundation
import Synchronization

/// What is to be written where.
struct ExportRequest: Hashable, Sendable {
  var selection: Selection
  var path: String
  var format: ExportFormat
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
    // Another export to the same name, or what one that was killed has left, is not in the way.
    let partial = "\(request.path).\(ProcessInfo.processInfo.processIdentifier).part"
    do {
      guard !FileManager.default.fileExists(atPath: request.path) else {
        throw ExportError(path: request.path, errorNumber: EEXIST)
      }
      progress.total = (try? source.count(request.selection)) ?? nil
      let pages = try source.pages(request.selection)
      let file = try ExportFile(request.path, partial: partial)
      defer { file.remove() }
      let columns = request.format == .csv ? try columns(request, pages, progress) : []
      try write(request, columns, pages, to: file, &progress)
      if isCancelled {
        progress.outcome = .cancelled
        return progress
      }
      try file.finish()
      progress.outcome = .done
    } catch {
      progress.outcome = .failed((error as? ExportError)?.description ?? "\(error)")
    }
    return progress
  }

  private func write(
    _ request: ExportRequest, _ columns: [String], _ pages: Pages, to file: ExportFile, _ progress: inout ExportProgress
  ) throws {
    if request.format == .json { file.write("[") }
    if request.format == .csv { file.write((["key"] + columns).map(ExportText.csv).joined(separator: ",") + "\r\n") }
    var count = 0
    try forEach(request, pages, progress) { row in
      switch request.format {
      case .json: file.write((count == 0 ? "\n" : ",\n") + ExportText.json(key: row.key.value, document: row.record))
      case .ndjson: file.write(ExportText.json(key: row.key.value, document: row.record) + "\n")
      case .csv:
        let fields = [row.key.value.plainText] + columns.map { row.record[$0]?.plainText ?? "" }
        file.write(fields.map(ExportText.csv).joined(separator: ",") + "\r\n")
      }
      count += 1
      try file.check()
    }
    if request.format == .json { file.write(count == 0 ? "]\n" : "\n]\n") }
    progress.documents = count
  }

  /// The fields that any document has, in the order in which they come up.
  private func columns(_ request: ExportRequest, _ pages: Pages, _ progress: ExportProgress) throws -> [String] {
    var columns: [String] = []
    var known: Set<String> = []
    var progress = progress
    progress.isLooking = true
    try forEach(request, pages, progress) { row in
      for field in row.record.fields where known.insert(field.name).inserted { columns.append(field.name) }
    }
    return columns
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

/// Why a file could not be written.
struct ExportError: Error, CustomStringConvertible {
  var path: String
  var errorNumber: Int32

  var description: String {
    switch errorNumber {
    case EEXIST: "\(path): exists already, and is left as it is"
    case ENOENT, ENOTDIR: "\(path): there is no such directory"
    case ENOSPC, EDQUOT: "\(path): no space left on the disk; nothing of it was kept"
    default: "\(path): \(String(cString: strerror(errorNumber)))"
    }
  }
}

/// A file that is written in blocks and does not outlive a failure.
private final class ExportFile {
  private let path: String
  private let partial: String
  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var errorNumber: Int32?
  private var isOpen = true

  /// - Parameter partial: the name that it has while it is not whole.
  init(_ path: String, partial: String) throws {
    self.path = path
    self.partial = partial
    descriptor = open(partial, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o666)
    if descriptor < 0 { throw ExportError(path: errno == EEXIST ? partial : path, errorNumber: errno) }
  }

  func write(_ text: String) {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= 256 << 10 { flush() }
  }

  private func flush() {
    var rest = buffer[...]
    while errorNumber == nil, !rest.isEmpty {
      // The pointer is used within the call only.
      let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
      if count >= 0 {
        rest = rest.dropFirst(count)
      } else if errno != EINTR {
        errorNumber = errno
      }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  func check() throws { if let errorNumber { throw ExportError(path: path, errorNumber: errorNumber) } }

  /// Gives the file its name.
  func finish() throws {
    flush()
    try check()
    guard fsync(descriptor) == 0 else { throw ExportError(path: path, errorNumber: errno) }
    // A link fails where there is a file already, which a rename would replace. Some file systems have none.
    if link(partial, path) != 0 {
      let code = errno
      guard code == EPERM || code == ENOTSUP || code == ENOSYS, access(path, F_OK) != 0, rename(partial, path) == 0
      else { throw ExportError(path: path, errorNumber: code) }
    }
    remove()
  }

  /// Without effect after the first time.
  func remove() {
    guard isOpen else { return }
    isOpen = false
    close(descriptor)
    unlink(partial)
  }
}
