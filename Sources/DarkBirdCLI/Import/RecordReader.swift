import DarkBird

/// Documents of a file, one after the other, in constant memory.
protocol RecordReader {
  /// The next document, or what is wrong with it; nil at the end of the file.
  /// - Throws: `Failure` if the file cannot be read on.
  mutating func next() throws(Failure) -> NumberedRecord?
}

/// What a file holds at a line.
struct NumberedRecord {
  /// Of the first line of the record, from 1.
  var line: Int
  /// Nil where the key is a field of the document.
  var key: Value?
  var content: Result<Record, BadInput>
}

/// Why a line is no document.
struct BadInput: Error, Hashable {
  /// In bytes, from 1; nil if the whole line is meant.
  var column: Int?
  var reason: String

  var description: String { column.map { "column \($0): \(reason)" } ?? reason }
}

/// Fields of a record in the making, in their order and each once.
struct Fields {
  private var fields: [(String, Value)] = []
  /// Only used once there are so many fields that searching all of them would be slow.
  private var names: Set<String> = []
  private static let searchMax = 16

  /// False if there is a field of this name already.
  mutating func append(_ name: String, _ value: Value) -> Bool {
    if fields.count < Self.searchMax {
      if fields.contains(where: { $0.0 == name }) { return false }
    } else {
      if fields.count == Self.searchMax { names = Set(fields.map(\.0)) }
      if !names.insert(name).inserted { return false }
    }
    fields.append((name, value))
    return true
  }

  var record: Record { Record(fields) }
}
