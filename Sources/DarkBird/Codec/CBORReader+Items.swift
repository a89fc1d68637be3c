/// What the reads have in common: heads, counts, what is left out.
extension CBORReader {
  /// The head of the item that a caller asked for: passes over breaks that are due, and over tags.
  mutating func nextHead() throws(CBORError) -> CBORHead {
    passBreaks()
    return try takeHead()
  }

  @usableFromInline
  mutating func passBreaks() {
    while breaksDue > 0, offset < bytes.count, bytes[offset] == CBORFormat.break {
      position += 1
      breaksDue -= 1
    }
  }

  /// A head, its tags included. Never a break.
  mutating func takeHead() throws(CBORError) -> CBORHead {
    var tag: UInt64?
    while true {
      let start = offset
      let first = try take(UInt8.self)
      let major = first & 0xE0
      let argument: UInt64
      switch first & 0x1F {
      case let small where small < 24: argument = UInt64(small)
      case 24: argument = UInt64(try take(UInt8.self))
      case 25: argument = UInt64(try take(UInt16.self))
      case 26: argument = UInt64(try take(UInt32.self))
      case 27: argument = try take(UInt64.self)
      case 31 where major >= CBORFormat.bytes && major <= CBORFormat.map: argument = 0
      case 31 where first == CBORFormat.break: throw CBORError(offset: start, reason: "a break without a beginning")
      default: throw CBORError(offset: start, reason: "not CBOR: reserved length")
      }
      if major == CBORFormat.simple, first & 0x1F == 24, argument < 32 {
        throw CBORError(offset: start, reason: "not CBOR: simple value in two bytes instead of one")
      }
      guard major == CBORFormat.tag else {
        return CBORHead(offset: start, first: first, argument: argument, tag: tag)
      }
      tag = argument
    }
  }

  private mutating func take<Integer: FixedWidthInteger>(_ type: Integer.Type) throws(CBORError) -> Integer {
    let size = MemoryLayout<Integer>.size
    guard bytes.count - offset >= size else { throw endOfInput() }
    defer { position += size }
    return Integer(bigEndian: bytes.loadUnaligned(fromByteOffset: offset, as: type))
  }

  /// The next `count` bytes, which are valid as long as `bytes`.
  private mutating func take(count: UInt64) throws(CBORError) -> UnsafeRawBufferPointer {
    guard count <= UInt64(bytes.count - offset) else { throw endOfInput() }
    defer { position += Int(count) }
    return UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + Int(count)])
  }

  private func endOfInput() -> CBORError {
    CBORError(offset: offset, reason: "the input ends inside a value")
  }

  func mismatch(_ expected: String, _ head: CBORHead) -> CBORError {
    CBORError(offset: head.offset, reason: "expected \(expected), found \(head.kind)")
  }

  /// Passes over the break that ends an item of indefinite length, if it comes next.
  mutating func takeBreak() -> Bool {
    guard offset < bytes.count, bytes[offset] == CBORFormat.break else { return false }
    position += 1
    return true
  }

  func int64(_ head: CBORHead) throws(CBORError) -> Int64 {
    let value = Int64(exactly: head.argument)
    switch head.major {
    case CBORFormat.unsigned: if let value { return value }
    case CBORFormat.negative: if let value { return ~value }
    default: throw mismatch("an integer", head)
    }
    throw CBORError(offset: head.offset, reason: "the integer does not fit in Int64")
  }

  func number(_ head: CBORHead) -> Double? {
    switch head.major {
    case CBORFormat.unsigned: return Double(head.argument)
    case CBORFormat.negative: return -1 - Double(head.argument)
    case CBORFormat.simple:
      switch head.first & 0x1F {
      case 25: return Double(halfBits: UInt16(truncatingIfNeeded: head.argument))
      case 26: return Double(Float(bitPattern: UInt32(truncatingIfNeeded: head.argument)))
      case 27: return Double(bitPattern: head.argument)
      default: return nil
      }
    default: return nil
    }
  }

  mutating func string(_ head: CBORHead) throws(CBORError) -> String {
    guard head.major == CBORFormat.text else { throw mismatch("a string", head) }
    if !head.isIndefinite { return try text(head) }
    var result = ""
    while !takeBreak() { result += try text(takeChunk(of: head)) }
    return result
  }

  private mutating func text(_ head: CBORHead) throws(CBORError) -> String {
    let slice = try take(count: head.argument)
    // Safe: `slice` lies within `bytes`, and bytes may be looked at as UInt8.
    let text = slice.withMemoryRebound(to: UInt8.self) { utf8 in
      // `String(validating:as:)` says the same, but is not specialised for UTF-8 and takes three times as long.
      // Decoding repairs what is invalid, so that the bytes of the string are no longer those that were read.
      let text = String(decoding: utf8, as: UTF8.self)
      return isASCII(slice) || text.utf8.elementsEqual(utf8) ? text : nil
    }
    guard let text else { throw CBORError(offset: head.offset, reason: "text is not valid UTF-8") }
    return text
  }

  mutating func byteString(_ head: CBORHead) throws(CBORError) -> [UInt8] {
    guard head.major == CBORFormat.bytes else { throw mismatch("bytes", head) }
    if !head.isIndefinite { return try Array(take(count: head.argument)) }
    var result: [UInt8] = []
    while !takeBreak() { result += try take(count: takeChunk(of: head).argument) }
    return result
  }

  /// The head of the next piece of a string of indefinite length.
  private mutating func takeChunk(of string: CBORHead) throws(CBORError) -> CBORHead {
    let chunk = try takeHead()
    guard chunk.major == string.major, !chunk.isIndefinite, chunk.tag == nil else {
      throw CBORError(offset: chunk.offset, reason: "not CBOR: a string of indefinite length holds \(chunk.kind)")
    }
    return chunk
  }

  /// Elements that follow the head of an array (1 item each) or of a map (2), at most what the input can hold.
  func definiteCount(_ head: CBORHead, itemsPerElement: Int) throws(CBORError) -> Int {
    // Every item takes at least one byte.
    guard head.argument <= UInt64((bytes.count - offset) / itemsPerElement) else { throw endOfInput() }
    return Int(head.argument)
  }

  mutating func containerCount(_ head: CBORHead, itemsPerElement: Int) throws(CBORError) -> Int {
    if !head.isIndefinite { return try definiteCount(head, itemsPerElement: itemsPerElement) }
    var scout = self
    let count = try scout.skipIndefinite(itemsPerElement: itemsPerElement, depth: 1)
    breaksDue += 1
    return count
  }

  mutating func skip(_ head: CBORHead, depth: Int) throws(CBORError) {
    switch head.major {
    case CBORFormat.bytes, CBORFormat.text:
      if !head.isIndefinite {
        _ = try take(count: head.argument)
      } else {
        while !takeBreak() { _ = try take(count: takeChunk(of: head).argument) }
      }
    case CBORFormat.array, CBORFormat.map:
      try checkDepth(depth, head)
      let itemsPerElement = head.major == CBORFormat.map ? 2 : 1
      if head.isIndefinite {
        _ = try skipIndefinite(itemsPerElement: itemsPerElement, depth: depth + 1)
      } else {
        for _ in 0..<(try definiteCount(head, itemsPerElement: itemsPerElement)) {
          for _ in 0..<itemsPerElement { try skip(takeHead(), depth: depth + 1) }
        }
      }
    default: break
    }
  }

  /// Passes over the elements and the break of a container and returns how many elements there were.
  private mutating func skipIndefinite(itemsPerElement: Int, depth: Int) throws(CBORError) -> Int {
    var count = 0
    while !takeBreak() {
      for _ in 0..<itemsPerElement { try skip(takeHead(), depth: depth) }
      count += 1
    }
    return count
  }

  func checkDepth(_ depth: Int, _ head: CBORHead) throws(CBORError) {
    if depth >= CBORFormat.depthMax {
      throw CBORError(offset: head.offset, reason: CBORFormat.tooDeep)
    }
  }
}
