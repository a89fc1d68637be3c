import DarkBird
import DarkBirdDashboard

/// NDJSON: one JSON object a line. Blank lines are skipped.
struct JSONLinesReader: RecordReader {
  private let lines: LineReader

  init(_ lines: LineReader) { self.lines = lines }

  mutating func next() throws(Failure) -> NumberedRecord? {
    while let line = try lines.next() {
      guard let bytes = line.bytes else {
        return NumberedRecord(line: line.number, content: .failure(LineReader.tooLong))
      }
      if bytes.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == 0x09 || $0 == 0x0d }) { continue }
      return NumberedRecord(line: line.number, content: Self.record(bytes))
    }
    return nil
  }

  static func record(_ bytes: [UInt8]) -> Result<Record, BadInput> {
    do throws(BadInput) {
      guard case .map(let record) = try JSONParser.parse(bytes) else {
        return .failure(BadInput(reason: "not an object; a document looks like {\"name\": \"Ada\"}"))
      }
      return .success(record)
    } catch {
      return .failure(error)
    }
  }
}
