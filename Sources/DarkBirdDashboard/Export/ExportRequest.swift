import DarkBird
import Foundation

/// What is to be written where.
struct ExportRequest: Hashable, Sendable {
  var selection: Selection
  var path: String
  var format: DocumentFormat
  /// Only these, in this order; none is all.
  var fields: [String] = []
  /// Whether the file that is there gives way: only after somebody was asked.
  var replaces = false
}

/// What has the name that is exported to.
enum ExportTarget: Hashable, Sendable {
  case nothing, file
  /// Such as a directory, which no export takes the place of.
  case other

  init(_ path: String) {
    var status = stat()
    // Of a link that leads nowhere there is something too.
    guard lstat(path, &status) == 0 else {
      self = .nothing
      return
    }
    self = status.st_mode & S_IFMT == S_IFREG ? .file : .other
  }
}

extension ExportRequest {
  private static let pageSize = 1_000

  /// Writes results to a file: all of them as they are at one moment. The file has its name only when it is whole, and
  /// replaces another only if the request says so. Only a program that is killed leaves a part of one.
  /// - Returns: what is in the file, in words.
  func write(from source: any Source, _ progress: (DashboardJob.Progress) -> Bool) throws -> String {
    let file = try DocumentFile(path, replaces: replaces)
    defer { file.cancel() }
    let total = ((try? source.count(selection)) ?? nil).map { min($0, selection.limit ?? .max) }
    let pages = try source.pages(selection)
    // The header of a table needs the fields of all documents, in the order in which they come up, and their kinds.
    var columns = CSVColumns()
    if format == .csv {
      try forEach(pages, total, "looking at the fields", progress) { row in
        columns.look(at: row.key.value, only(fields, of: row))
      }
    }
    var writer = DocumentWriter(format, columns: columns.columns(fields), to: file.write)
    try writer.begin()
    let count = try forEach(pages, total, "", progress) { try writer.write(key: $0.key.value, only(fields, of: $0)) }
    try writer.finish()
    try file.finish()
    return "\(Format.counted(count, "document")) in \(path)"
  }

  private func only(_ fields: [String], of row: ResultRow) -> Record {
    fields.isEmpty ? row.record : row.record.only(fields)
  }

  /// - Returns: how many there are.
  @discardableResult
  private func forEach(
    _ pages: Pages, _ total: Int?, _ note: String, _ progress: (DashboardJob.Progress) -> Bool,
    _ body: (ResultRow) throws -> Void
  ) throws -> Int {
    var count = 0
    var left = Int.max
    if case .query(_, let limit?) = selection { left = limit }
    var mark: PageMark?
    repeat {
      let page = try pages(min(left, Self.pageSize), mark)
      for row in page.rows { try body(row) }
      left -= page.rows.count
      mark = page.next
      count += page.rows.count
      if !progress(DashboardJob.Progress(documents: count, total: total, note: note)) {
        throw DashboardJob.Cancelled(replaces ? "there is no new \(path)" : "there is no \(path)")
      }
    } while mark != nil && left > 0
    return count
  }
}

extension RowKey {
  /// The key as a value, for JSON.
  var value: Value { (try? DocumentDigest.key(Value.self, encoded: encoded)) ?? .string(text) }
}
