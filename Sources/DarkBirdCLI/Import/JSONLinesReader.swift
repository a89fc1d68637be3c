import DarkBird
import DarkBirdDashboard

/// NDJSON: one JSON object a line. Blank lines are skipped.
struct JSONLinesReader: RecordReader {
  private let lines: LineReader
  private let isTyped: Bool

  /// - Parameter isTyped: whether the file is an export, with keys and types of its own.
  init(_ lines: LineReader, isTyped: Bool = false) {
    self.lines = lines
    self.isTyped = isTyped
  }

  mutating func next() throws(Failure) -> NumberedRecord? {
    while let line = try lines.next() {
      guard let bytes = line.bytes else {
        return NumberedRecord(line: line.number, content: .failure(LineReader.tooLong))
      }
      if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == 0x09 || $0 == 0x0d }) { continue }
      return Self.record(bytes, line: line.number, isTyped: isTyped)
    }
    return nil
  }

  static func record(_ bytes: [UInt8], line: Int, isTyped: Bool) -> NumberedRecord {
    do throws(BadInput) {
      let depthMax = isTyped ? JSONParser.typedDepthMax : JSONParser.depthMax
      guard case .map(let record) = try JSONParser.parse(bytes, depthMax: depthMax) else {
        throw BadInput(reason: "not an object; a document looks like {\"name\": \"Ada\"}")
      }
      if !isTyped { return NumberedRecord(line: line, content: .success(record)) }
      return try exported(record, line)
    } catch {
      return NumberedRecord(line: line, content: .failure(error))
    }
  }

  /// `{"key":…,"document":{…}}`, as an export has it.
  private static func exported(_ record: Record, _ line: Int) throws(BadInput) -> NumberedRecord {
    guard record.count == 2, let key = record["key"], case .map(let document)? = record["document"] else {
      throw BadInput(
        reason: "not of an export, {\"key\":…,\"document\":{…}}; for other files --key names the key's field")
    }
    do throws(TypedJSON.Malformed) {
      return NumberedRecord(
        line: line, key: try TypedJSON.value(key), content: .success(try TypedJSON.record(document)))
    } catch {
      throw BadInput(reason: error.reason)
    }
  }
}
