import DarkBird
import DarkBirdDashboard

/// CSV as RFC 4180 has it: a header, commas, fields in double quotes where they hold commas, quotes or line ends.
///
/// Written here because it must stream: SwiftCSV and its like take the whole text as one string. A record that cannot
/// be read costs its first line only; reading goes on at the next line, also after a quote that is never closed. But not in an
/// export, whose texts may have any number of lines, which are no records: there nothing behind such a quote is read.
///
/// Values are typed, quoted or not: whole and decimal numbers as JSON writes them (`042` stays a string), `true` and
/// `false`, ISO dates (see `ISODate`); everything else is a string. An empty field is absent from the document. A column can
/// be given a type instead; in an export (`CSVColumn`) the header does.
struct CSVReader: RecordReader {
  /// Lines that one record may span that is not of an export. With `LineReader.lineBytesMax`, which holds for any whole record, it
  /// bounds what a quote that is never closed costs.
  static let recordLinesMax = 10_000

  private let lines: LineReader
  private var columns: [Column]
  private let isTyped: Bool
  private struct Column {
    var name: String
    /// Nil where the text of each field decides.
    var type: CSVColumn?
  }

  /// Lines read while looking for a closing quote that did not come.
  private var pending: ArraySlice<LineReader.Line> = []
  private var isAtEnd = false

  /// Reads the header.
  /// - Throws: `Failure` if there is none, or a column has no name or the name of another one.
  init(
    _ lines: LineReader, isTyped: Bool = false, types: [String: CSVColumn.Kind] = [:]
  ) throws(Failure) {
    self.lines = lines
    self.isTyped = isTyped
    columns = []
    guard let (line, header) = try nextFields() else { throw Failure(.dataError, lines.name, "no header line") }
    switch header {
    case .failure(let error): throw Failure(.dataError, "\(lines.name):\(line)", error.description)
    case .success(let names):
      var seen: Set<String> = []
      for (index, field) in names.enumerated() {
        let name = field.text
        if name.isEmpty { throw Failure(.dataError, "\(lines.name):\(line)", "column \(index + 1) has no name") }
        if !seen.insert(name).inserted {
          throw Failure(.dataError, "\(lines.name):\(line)", "two columns are named '\(name)'")
        }
        if isTyped {
          guard let column = CSVColumn(header: name) else {
            throw Failure(
              .dataError, "\(lines.name):\(line)",
              "column '\(name)' is not of an export, as age:int is; for other files --key names the key's field")
          }
          // A field of the documents may be named as the key's column is.
          if index == 0 { seen.remove(name) }
          columns.append(Column(name: column.name, type: column))
        } else {
          let kind = types[name] ?? types["*"]
          columns.append(Column(name: name, type: kind.map { CSVColumn(name: name, kind: $0) }))
        }
      }
      if let name = types.keys.sorted().first(where: { $0 != "*" && !seen.contains($0) }) {
        throw Failure(.usage, "--type \(name)", "\(lines.name) has no such column")
      }
    }
  }

  mutating func next() throws(Failure) -> NumberedRecord? {
    guard let (line, content) = try nextFields() else { return nil }
    do throws(BadInput) {
      return try record(content.get(), line)
    } catch {
      return NumberedRecord(line: line, content: .failure(error))
    }
  }

  private func record(_ fields: [Field], _ line: Int) throws(BadInput) -> NumberedRecord {
    guard fields.count == columns.count else {
      throw BadInput(reason: "\(fields.count) fields where the header has \(columns.count)")
    }
    var key: Value?
    var record: [(String, Value)] = []
    record.reserveCapacity(columns.count)
    for (index, (column, field)) in zip(columns, fields).enumerated() {
      let value = try value(field, column)
      if isTyped && index == 0 {
        guard let value else { throw BadInput(reason: "a document without a key") }
        key = value
      } else if let value {
        record.append((column.name, value))
      }
    }
    return NumberedRecord(line: line, key: key, content: .success(Record(record)))
  }

  private func value(_ field: Field, _ column: Column) throws(BadInput) -> Value? {
    guard let type = column.type else { return Self.value(field.text) }
    if field.text.isEmpty && !field.isQuoted { return nil }
    func bad(_ reason: String) -> BadInput { BadInput(reason: "column '\(column.name)': \(reason)") }
    guard type.kind == .json else {
      if let value = type.value(field.text) { return value }
      throw bad("'\(field.text.prefix(40))' is no \(type.kind.rawValue)")
    }
    let value: Value
    let depthMax = isTyped ? JSONParser.typedDepthMax : JSONParser.depthMax
    do throws(BadInput) { value = try JSONParser.parse(Array(field.text.utf8), depthMax: depthMax) } catch {
      throw bad(error.description)
    }
    if !isTyped { return value }
    do throws(TypedJSON.Malformed) { return try TypedJSON.value(value) } catch { throw bad(error.reason) }
  }

  /// What a field's text stands for; nil if it is empty.
  static func value(_ text: String) -> Value? {
    switch text {
    case "": return nil
    case "true": return .bool(true)
    case "false": return .bool(false)
    default: break
    }
    let bytes = Array(text.utf8)
    if let (end, isInteger) = JSONNumber.scan(bytes[...]), end == bytes.count {
      // An integer beyond 64 bits is more likely a code than a number: a Double would change its digits.
      if isInteger { return JSONNumber.integer(bytes[...]) ?? .string(text) }
      if let number = Double(text), number.isFinite { return .double(number) }
    }
    return ISODate.parse(bytes).map { .date($0) } ?? .string(text)
  }

  // MARK: Records

  /// The fields of the next record that is not an empty line, and the number of its first line.
  private mutating func nextFields() throws(Failure) -> (line: Int, fields: Result<[Field], BadInput>)? {
    while let first = try nextLine() {
      guard let bytes = first.bytes else { return (first.number, .failure(LineReader.tooLong)) }
      if bytes.isEmpty || bytes == [0x0d] { continue }
      var record = RecordInProgress()
      record.take(bytes)
      var more: [LineReader.Line] = []
      var size = bytes.count
      while record.isOpen && (isTyped || more.count < Self.recordLinesMax) && size <= LineReader.lineBytesMax,
        let line = try nextLine()
      {
        if !isTyped { more.append(line) }
        size += line.bytes?.count ?? LineReader.lineBytesMax + 1
        guard let bytes = line.bytes else { break }
        record.take(bytes)
      }
      if record.isOpen {
        isAtEnd = isTyped
        let isTooLong = isTyped && size > LineReader.lineBytesMax
        let reason = isTooLong ? LineReader.tooLong.reason : "a quote is opened and never closed"
        record.error = BadInput(reason: isTyped ? "\(reason); nothing behind it is read" : reason)
      }
      guard let error = record.error else { return (first.number, .success(record.fields)) }
      pending = more + pending
      return (first.number, .failure(error))
    }
    return nil
  }

  private mutating func nextLine() throws(Failure) -> LineReader.Line? {
    if isAtEnd { return nil }
    if let line = pending.popFirst() { return line }
    return try lines.next()
  }
}

/// The text of a field, and whether it stood in quotes.
private struct Field {
  var text: String
  var isQuoted: Bool
}

/// The fields of a record as its lines come in.
private struct RecordInProgress {
  private enum State { case fieldStart, plain, quoted, afterQuote }

  private(set) var fields: [Field] = []
  var error: BadInput?
  private var state = State.fieldStart
  private var field: [UInt8] = []
  private var isQuoted = false
  /// Lines taken so far.
  private var lines = 0

  /// A quote is open: the next line belongs to this record too.
  var isOpen: Bool { error == nil && state == .quoted }

  mutating func take(_ line: [UInt8]) {
    lines += 1
    if state == .quoted { field.append(UInt8(ascii: "\n")) }
    for (index, byte) in line.enumerated() {
      switch (state, byte) {
      case (.quoted, UInt8(ascii: "\"")):
        state = .afterQuote
      case (.quoted, _):
        field.append(byte)
      case (_, UInt8(ascii: ",")):
        finishField()
      case (.fieldStart, UInt8(ascii: "\"")):
        state = .quoted
        isQuoted = true
      case (.afterQuote, UInt8(ascii: "\"")):
        field.append(byte)
        state = .quoted
      case (_, 0x0d) where index == line.count - 1:
        break
      case (.afterQuote, _):
        error = bad(index, "text after a closing quote")
      case (_, UInt8(ascii: "\"")):
        error = bad(index, "a quote inside a field that does not begin with one")
      case (_, _):
        field.append(byte)
        state = .plain
      }
      if error != nil { return }
    }
    if state != .quoted { finishField() }
  }

  /// Errors are reported for the first line of the record.
  private func bad(_ index: Int, _ reason: String) -> BadInput {
    if lines == 1 { return BadInput(column: index + 1, reason: reason) }
    return BadInput(reason: "\(reason), \(lines - 1) line\(lines == 2 ? "" : "s") below the opening one")
  }

  private mutating func finishField() {
    if let text = String(validating: field, as: UTF8.self) {
      fields.append(Field(text: text, isQuoted: isQuoted))
    } else {
      error = BadInput(reason: "field \(fields.count + 1) is not UTF-8")
    }
    field.removeAll(keepingCapacity: true)
    isQuoted = false
    state = .fieldStart
  }
}
