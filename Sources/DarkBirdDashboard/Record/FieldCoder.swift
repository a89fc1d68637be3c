import DarkBird
import Foundation

/// Goes through the fields of something, either to write them down or to fill them in: one description of what is recorded
/// serves the recorder and the reader, so that the two cannot disagree.
protocol FieldCoder {
  mutating func number(_ value: inout UInt64) throws
  mutating func text(_ value: inout String) throws
  /// How many elements follow.
  mutating func count(_ value: inout Int) throws
}

extension FieldCoder {
  /// A number of things or bytes; sums of those that are read never overflow.
  mutating func number(_ value: inout Int) throws {
    let max: UInt64 = 1 << 55
    var number = min(UInt64(Swift.max(value, 0)), max)
    try self.number(&number)
    guard number <= max else { throw RecordingError(reason: "a number out of range") }
    value = Int(number)
  }

  mutating func flag(_ value: inout Bool) throws {
    var number: UInt64 = value ? 1 : 0
    try self.number(&number)
    value = number != 0
  }

  /// To the microsecond, within 300 years of 2001.
  mutating func date(_ value: inout Date) throws {
    let limit = 10_000_000_000_000_000
    // As `Date` counts, so that it is the same one again.
    let micros = (value.timeIntervalSinceReferenceDate * 1e6).rounded()
    var shifted = limit + (micros.isNaN ? 0 : Int(min(max(micros, -Double(limit)), Double(limit))))
    try number(&shifted)
    value = Date(timeIntervalSinceReferenceDate: Double(min(shifted - limit, limit)) / 1e6)
  }

  mutating func choice<Choice: CaseIterable & Equatable>(_ value: inout Choice) throws {
    let all = Array(Choice.allCases)
    var place = all.firstIndex(of: value) ?? 0
    try number(&place)
    guard all.indices.contains(place) else { throw RecordingError(reason: "a value out of range") }
    value = all[place]
  }

  mutating func optional<Wrapped>(
    _ value: inout Wrapped?, blank: Wrapped, _ body: (inout Self, inout Wrapped) throws -> Void
  ) throws {
    var isThere = value != nil
    try flag(&isThere)
    guard isThere else {
      value = nil
      return
    }
    var wrapped = value ?? blank
    try body(&self, &wrapped)
    value = wrapped
  }

  mutating func list<Element>(
    _ list: inout [Element], blank: Element, _ body: (inout Self, inout Element) throws -> Void
  ) throws {
    var count = list.count
    try self.count(&count)
    while list.count < count { list.append(blank) }
    list.removeLast(list.count - count)
    for index in list.indices { try body(&self, &list[index]) }
  }

  mutating func texts(_ value: inout [String]) throws { try list(&value, blank: "") { try $0.text(&$1) } }
}

/// What both sides remember of the sample before.
private struct CoderMemory {
  private var numbers: [UInt64] = []
  private var texts: [String] = []
  private var nextNumber = 0
  private var nextText = 0

  mutating func begin() { (nextNumber, nextText) = (0, 0) }

  /// Puts a number in its place and gives the one that was there.
  mutating func exchangeNumber(_ change: (_ old: UInt64) throws -> UInt64) rethrows {
    if nextNumber == numbers.count { numbers.append(0) }
    numbers[nextNumber] = try change(numbers[nextNumber])
    nextNumber += 1
  }

  mutating func exchangeText(_ change: (_ old: String) throws -> String) rethrows {
    if nextText == texts.count { texts.append("") }
    texts[nextText] = try change(texts[nextText])
    nextText += 1
  }
}

struct RecordingEncoder: FieldCoder {
  private(set) var bytes: [UInt8] = []
  private var memory = CoderMemory()

  /// Begins the next sample.
  mutating func begin() {
    bytes.removeAll(keepingCapacity: true)
    memory.begin()
  }

  mutating func number(_ value: inout UInt64) {
    var difference: UInt64 = 0
    memory.exchangeNumber { old in
      difference = value &- old
      return value
    }
    // Small differences in either direction are short: 0, -1, 1, -2 … as 0, 1, 2, 3.
    let signed = Int64(bitPattern: difference)
    write(UInt64(bitPattern: signed << 1 ^ signed >> 63))
  }

  /// So that no sample is larger than a reader takes: tags and keys of a store may be as long as they like.
  static let textBytesMax = 4 << 10

  /// 0 if it is the one before, else the bytes that follow and one.
  mutating func text(_ value: inout String) {
    if value.utf8.count > Self.textBytesMax {
      // Rounded down to a whole scalar.
      value = String(value.unicodeScalars[..<value.utf8.index(value.startIndex, offsetBy: Self.textBytesMax - 3)]) + "…"
    }
    var isSame = false
    memory.exchangeText { old in
      isSame = old == value
      return value
    }
    guard !isSame else { return write(0) }
    write(UInt64(value.utf8.count) + 1)
    bytes.append(contentsOf: value.utf8)
  }

  mutating func count(_ value: inout Int) { write(UInt64(value)) }

  /// Seven bits a byte, the lowest first.
  private mutating func write(_ number: UInt64) {
    var rest = number
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(rest))
  }
}

struct RecordingDecoder: FieldCoder {
  /// Of a list, such as the shards; and a counter, or two years in nanoseconds: sums of them never overflow.
  static let countMax = 1_024
  static let numberMax: UInt64 = 1 << 56

  private let bytes: [UInt8]
  private var position = 0
  private var end = 0
  private var memory = CoderMemory()

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  /// Begins the next sample.
  mutating func begin(_ payload: Range<Int>) {
    (position, end) = (payload.lowerBound, payload.upperBound)
    memory.begin()
  }

  var isAtEnd: Bool { position == end }

  mutating func number(_ value: inout UInt64) throws {
    let zigzag = try read()
    let difference = UInt64(bitPattern: Int64(bitPattern: zigzag >> 1) ^ -Int64(bitPattern: zigzag & 1))
    memory.exchangeNumber { old in
      value = old &+ difference
      return value
    }
    guard value <= Self.numberMax else { throw RecordingError(reason: "a number out of range") }
  }

  mutating func text(_ value: inout String) throws {
    let length = try read()
    try memory.exchangeText { old in
      if length == 0 {
        value = old
        return value
      }
      guard length - 1 <= UInt64(end - position),
        let text = String(validating: bytes[position..<position + Int(length - 1)], as: UTF8.self)
      else { throw RecordingError(reason: "a text that is none") }
      position += Int(length - 1)
      value = text
      return value
    }
  }

  /// An element takes a byte or more: what claims to have more elements than there are bytes is no recorder's.
  mutating func count(_ value: inout Int) throws {
    let count = try read()
    guard count <= UInt64(min(end - position, Self.countMax)) else {
      throw RecordingError(reason: "a list without end")
    }
    value = Int(count)
  }

  private mutating func read() throws -> UInt64 {
    var number: UInt64 = 0
    var shift: UInt64 = 0
    while position < end, shift < 64 {
      let byte = bytes[position]
      position += 1
      number |= UInt64(byte & 0x7f) << shift
      if byte < 0x80 { return number }
      shift += 7
    }
    throw RecordingError(reason: "a number that is none")
  }
}
