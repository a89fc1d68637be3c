/// A key and a document, encoded for the log.
@usableFromInline
struct EncodedRecord: Sendable {
  @usableFromInline let payload: [UInt8]
  @usableFromInline let keyLength: Int

  @inlinable static var none: EncodedRecord { EncodedRecord(payload: [], keyLength: 0) }

  @inlinable
  init(payload: [UInt8], keyLength: Int) {
    self.payload = payload
    self.keyLength = keyLength
  }

  @usableFromInline static var otherWriter: String { "the document does not write to the writer that it is given" }

  /// - Throws: `.encodingFailed`, `.tooLarge`.
  @inlinable
  init<Key: DocumentKey, Document: DarkBird.Document>(key: Key, document: Document?) throws(StoreError) {
    var writer = CBORWriter()
    do { try key.encode(cbor: &writer) } catch { throw .encodingFailed(reason: "the key: \(error)") }
    keyLength = writer.bytes.count
    if keyLength > LogFormat.keyBytesMax {
      throw .tooLarge(what: "the key", bytes: keyLength, limit: LogFormat.keyBytesMax)
    }
    // Those that come with the store are known to be right.
    if !Key.areComparedUnderLocks { try Self.requireOneItem(writer.bytes[...], "the key") }
    if let document { try Self.append(document, to: &writer) }
    payload = writer.bytes
  }

  /// One of many: errors name it.
  /// - Throws: likewise.
  @inlinable
  init<Key: DocumentKey, Document: DarkBird.Document>(named key: Key, document: Document) throws(StoreError) {
    do throws(StoreError) { try self.init(key: key, document: document) } catch { throw error.about(key) }
  }

  /// - Throws: likewise.
  init(encodedKey key: ArraySlice<UInt8>, document: some DarkBird.Document) throws(StoreError) {
    var writer = CBORWriter(key)
    keyLength = key.count
    try Self.append(document, to: &writer)
    payload = writer.bytes
  }

  /// Appends to the key that the writer has.
  @inlinable
  static func append(_ document: some DarkBird.Document, to writer: inout CBORWriter) throws(StoreError) {
    let keyLength = writer.bytes.count
    writer.kept = keyLength
    do { try document.encode(cbor: &writer) } catch { throw .encodingFailed(reason: "\(error)") }
    // Another writer in its place keeps nothing.
    if writer.kept != keyLength { throw .encodingFailed(reason: otherWriter) }
    let documentBytes = writer.bytes.count - keyLength
    if documentBytes > LogFormat.documentBytesMax {
      throw .tooLarge(what: "the document", bytes: documentBytes, limit: LogFormat.documentBytesMax)
    }
    try requireOneItem(writer.bytes[keyLength...], "the document")
  }

  /// What says that it has more or fewer fields than it writes would be acknowledged, and at the next opening lack some of them, or
  /// keep the store from opening.
  /// - Complexity: O(items), a few nanoseconds each.
  @usableFromInline
  static func requireOneItem(_ bytes: ArraySlice<UInt8>, _ what: String) throws(StoreError) {
    if planted(.encodingNotChecked) { return }
    if isOneItem(bytes) { return }
    if bytes.isEmpty { throw .encodingFailed(reason: "\(what) writes nothing, which must be one CBOR item") }
    let problem = bytes.withUnsafeBytes { bytes -> String? in
      var reader = CBORReader(bytes)
      do throws(CBORError) { try reader.skipValue() } catch { return "is no whole CBOR item: \(error)" }
      return reader.isAtEnd ? nil : "is more than one CBOR item: \(bytes.count - reader.offset) bytes are left over"
    }
    if let problem { throw .encodingFailed(reason: "\(what) \(problem); see the counts of its maps and arrays") }
  }

  /// Whether the bytes are one CBOR item of definite length: counts the items that must still come. False does not say that they are
  /// not, and why `CBORReader` says: this takes a fifth of its time, and is part of every write.
  static func isOneItem(_ bytes: ArraySlice<UInt8>) -> Bool { bytes.withUnsafeBytes(isOneItem) }

  private static func isOneItem(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var (position, missing) = (0, 1)
    while missing > 0 {
      guard position < bytes.count else { return false }
      let head = bytes[position]
      position += 1
      var argument = Int(head & 0x1F)
      if argument >= 24 {
        guard argument < 28 else { return false }
        let size = 1 << (argument - 24)
        guard bytes.count - position >= size else { return false }
        argument = 0
        for byte in bytes[position..<position + size] { argument = argument << 8 | Int(byte) }
        position += size
      }
      missing -= 1
      let rest = bytes.count - position
      switch head & 0xE0 {
      case CBORFormat.bytes, CBORFormat.text:
        guard 0...rest ~= argument else { return false }
        position += argument
      case CBORFormat.array:
        guard 0...rest ~= argument else { return false }
        missing += argument
      case CBORFormat.map:
        guard 0...rest / 2 ~= argument else { return false }
        missing += 2 * argument
      case CBORFormat.tag: missing += 1
      case CBORFormat.simple: if head == CBORFormat.simple | 24 { return false }
      default: break
      }
    }
    return position == bytes.count
  }
}
