/// Forms in which documents leave a store and come into one.
package enum DocumentFormat: String, CaseIterable, Sendable {
  /// `{"key":…,"document":{…}}`, one a line.
  case ndjson
  /// An array of the same.
  case json
  /// A table; see `CSVColumn`.
  case csv

  /// By the end of a file's name; `jsonl` is another name of NDJSON.
  package init?(path: String) {
    let name = path.lowercased()
    if name.hasSuffix(".jsonl") {
      self = .ndjson
    } else if let format = Self.allCases.first(where: { name.hasSuffix("." + $0.rawValue) }) {
      self = format
    } else {
      return nil
    }
  }
}

/// Writes documents as text, types included.
package struct DocumentWriter: DocumentSink {
  private let format: DocumentFormat
  private let columns: [CSVColumn]
  private let hasPlainHeader: Bool
  private let output: (String) throws -> Void
  private var isFirst = true
  private var text = ""

  /// - Parameters:
  ///   - columns: of CSV, from `CSVColumns`.
  ///   - hasPlainHeader: of CSV, without the types, for programs that know none.
  ///   - output: takes the text piece by piece.
  package init(
    _ format: DocumentFormat, columns: [CSVColumn] = [], hasPlainHeader: Bool = false,
    to output: @escaping (String) throws -> Void
  ) {
    self.hasPlainHeader = hasPlainHeader
    self.format = format
    self.columns = columns
    self.output = output
  }

  package mutating func begin() throws {
    switch format {
    case .json: try output("[")
    case .csv: try output(columns.map { $0.header(isPlain: hasPlainHeader) }.joined(separator: ",") + "\r\n")
    case .ndjson: break
    }
  }

  package mutating func write(key: Value, _ document: Record) throws {
    text.removeAll(keepingCapacity: true)
    switch format {
    case .json:
      text += isFirst ? "\n" : ",\n"
      appendObject(key, document)
    case .ndjson:
      appendObject(key, document)
      text += "\n"
    case .csv:
      text += columns.first?.cell(key) ?? ""
      for column in columns.dropFirst() {
        text += ","
        text += column.cell(document[column.name])
      }
      text += "\r\n"
    }
    isFirst = false
    try output(text)
  }

  private mutating func appendObject(_ key: Value, _ document: Record) {
    text += "{\"key\":"
    TypedJSON.append(key, to: &text)
    text += ",\"document\":"
    TypedJSON.append(document, to: &text)
    text += "}"
  }

  package mutating func finish() throws {
    if format == .json { try output(isFirst ? "]\n" : "\n]\n") }
  }
}
