import DarkBird
import DarkBirdDashboard

/// A JSON array of objects, one element in memory at a time: finds where each ends by its brackets, and leaves the rest to
/// `JSONParser`.
struct JSONArrayReader: RecordReader {
  private enum State { case before, inside, after }

  private let lines: LineReader
  private let isTyped: Bool
  private var state = State.before
  /// Of the next byte, from 1; the column in bytes.
  private var line = 1
  private var column = 1
  /// Whether a comma came last, so that an element must follow.
  private var isElementDue = false
  /// To be told behind the last element.
  private var problem: String?

  init(_ lines: LineReader, isTyped: Bool) {
    self.lines = lines
    self.isTyped = isTyped
  }

  mutating func next() throws(Failure) -> NumberedRecord? {
    if state == .before {
      guard try nextByte() == UInt8(ascii: "[") else { return end("not a JSON array") }
      state = .inside
    }
    if state == .after {
      defer { problem = nil }
      return end(problem)
    }
    guard let first = try nextByte(isTaken: false) else { return end("the file ends inside the array") }
    let (start, startColumn) = (line, column)
    if first == UInt8(ascii: "]"), !isElementDue {
      _ = try nextByte()
      return try nextByte() == nil ? end() : end("text after the end of the array")
    }
    var scan = ElementScan()
    while true {
      guard try lines.hasMore() else { return end("the file ends inside the array") }
      skip(scan.take(lines.unread))
      if scan.isAtEnd { break }
    }
    let close = try nextByte()
    isElementDue = close == UInt8(ascii: ",")
    if close == UInt8(ascii: "]") {
      state = .after
      if try nextByte() != nil { problem = "text after the end of the array" }
    }
    if scan.isTooLong { return NumberedRecord(line: start, content: .failure(LineReader.tooLong)) }
    if scan.bytes.isEmpty {
      return NumberedRecord(line: start, content: .failure(BadInput(reason: "a value is missing")))
    }
    var record = JSONLinesReader.record(scan.bytes, line: start, isTyped: isTyped)
    if case .failure(var error) = record.content, let place = error.column {
      // Within the element, which may have lines.
      let before = scan.bytes.prefix(place - 1)
      record.line += before.count { $0 == 0x0a }
      error.column = before.lastIndex(of: 0x0a).map { place - 1 - $0 } ?? startColumn + place - 1
      record.content = .failure(error)
    }
    return record
  }

  private mutating func skip(_ count: Int) {
    let bytes = lines.unread.prefix(count)
    if let last = bytes.lastIndex(of: 0x0a) {
      line += bytes.count { $0 == 0x0a }
      column = bytes.endIndex - last
    } else {
      column += count
    }
    lines.skip(count)
  }

  /// The next byte that is no blank; nil at the end of the file.
  private mutating func nextByte(isTaken: Bool = true) throws(Failure) -> UInt8? {
    while try lines.hasMore(), let byte = lines.unread.first {
      let isBlank = byte == UInt8(ascii: " ") || byte == 0x09 || byte == 0x0a || byte == 0x0d
      if isBlank || isTaken { skip(1) }
      if !isBlank { return byte }
    }
    return nil
  }

  private mutating func end(_ problem: String? = nil) -> NumberedRecord? {
    state = .after
    return problem.map { NumberedRecord(line: line, content: .failure(BadInput(reason: $0))) }
  }
}

/// An element of an array as its bytes come in.
private struct ElementScan {
  private(set) var bytes: [UInt8] = []
  private(set) var isTooLong = false
  /// At the comma or the bracket behind the element.
  private(set) var isAtEnd = false
  private var depth = 0
  private var isInString = false
  private var isEscaped = false

  /// - Returns: how many of the bytes belong to the element.
  mutating func take(_ chunk: ArraySlice<UInt8>) -> Int {
    var count = 0
    for byte in chunk {
      if isInString {
        if isEscaped {
          isEscaped = false
        } else if byte == UInt8(ascii: "\\") {
          isEscaped = true
        } else if byte == UInt8(ascii: "\"") {
          isInString = false
        }
      } else {
        switch byte {
        case UInt8(ascii: "\""): isInString = true
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "]") where depth == 0, UInt8(ascii: ",") where depth == 0: isAtEnd = true
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth = max(0, depth - 1)
        default: break
        }
      }
      if isAtEnd { break }
      count += 1
    }
    if bytes.count + count > LineReader.lineBytesMax {
      isTooLong = true
      bytes = []
    }
    if !isTooLong { bytes += chunk.prefix(count) }
    return count
  }
}
