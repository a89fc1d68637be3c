internal import Foundation

extension CBORReader {
  /// The item that `head` begins.
  /// - Parameter depth: arrays and maps around it.
  mutating func value(_ head: CBORHead, depth: Int) throws(CBORError) -> Value {
    switch head.major {
    case CBORFormat.unsigned, CBORFormat.negative:
      if head.tag == CBORFormat.tagDate { return try date(head) }
      if head.major == CBORFormat.unsigned { return Value(head.argument) }
      return .int(try int64(head))
    case CBORFormat.bytes:
      let bytes = try byteString(head)
      guard head.tag == CBORFormat.tagUUID else { return .bytes(bytes) }
      // As text, because an index holds a UUID as text: what generic tools read must lead to the same entry.
      guard let uuid = UUID(bytes: bytes) else {
        throw CBORError(offset: head.offset, reason: "a UUID of \(bytes.count) bytes instead of 16")
      }
      return .string(uuid.uuidString)
    case CBORFormat.text: return .string(try string(head))
    case CBORFormat.array: return .array(try array(head, depth: depth))
    case CBORFormat.map: return .map(try record(head, depth: depth))
    default:
      switch head.first {
      case CBORFormat.false: return .bool(false)
      case CBORFormat.true: return .bool(true)
      case CBORFormat.null, CBORFormat.undefined: return .null
      default:
        if head.tag == CBORFormat.tagDate { return try date(head) }
        guard let value = number(head) else { throw mismatch("a value", head) }
        return .double(value)
      }
    }
  }

  /// A map whose names are text.
  mutating func readRecord() throws(CBORError) -> Record {
    let head = try nextHead()
    guard head.major == CBORFormat.map else { throw mismatch("a map", head) }
    return try record(head, depth: 0)
  }

  private mutating func array(_ head: CBORHead, depth: Int) throws(CBORError) -> [Value] {
    try checkDepth(depth, head)
    var values: [Value] = []
    if head.isIndefinite {
      while !takeBreak() { values.append(try item(depth: depth + 1)) }
    } else {
      let count = try definiteCount(head, itemsPerElement: 1)
      values.reserveCapacity(min(count, Self.reservedElementsMax))
      for _ in 0..<count { values.append(try item(depth: depth + 1)) }
    }
    return values
  }

  private mutating func record(_ head: CBORHead, depth: Int) throws(CBORError) -> Record {
    try checkDepth(depth, head)
    var fields: [Record.Field] = []
    if head.isIndefinite {
      while !takeBreak() { fields.append(try field(depth: depth + 1)) }
    } else {
      let count = try definiteCount(head, itemsPerElement: 2)
      fields.reserveCapacity(min(count, Self.reservedElementsMax))
      for _ in 0..<count { fields.append(try field(depth: depth + 1)) }
    }
    guard let record = Record(distinct: fields) else {
      throw CBORError(offset: head.offset, reason: "a field occurs twice in a map")
    }
    return record
  }

  private mutating func field(depth: Int) throws(CBORError) -> Record.Field {
    if let name = takeASCII() {
      return Record.Field(name: String(decoding: name, as: UTF8.self), value: try item(depth: depth))
    }
    let name = try takeHead()
    guard name.major == CBORFormat.text else { throw mismatch("a field name", name) }
    return Record.Field(name: try string(name), value: try item(depth: depth))
  }

  /// The next item, the most common kinds of which need no head.
  private mutating func item(depth: Int) throws(CBORError) -> Value {
    if let text = takeASCII() { return .string(String(decoding: text, as: UTF8.self)) }
    if let integer = takeArgument(of: CBORFormat.unsigned) { return Value(integer) }
    return try value(takeHead(), depth: depth)
  }

  /// A count is only a claim, and an element in memory is larger than its byte of input: beyond this many, arrays grow
  /// as elements arrive.
  private static var reservedElementsMax: Int { 64 }

  private func date(_ head: CBORHead) throws(CBORError) -> Value {
    guard let seconds = number(head) else { throw mismatch("seconds since 1970", head) }
    return .date(Date(timeIntervalSince1970: seconds))
  }
}
