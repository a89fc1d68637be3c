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
    if keyLength == 0 { throw .encodingFailed(reason: "the key writes nothing, which must be one CBOR item") }
    if keyLength > LogFormat.keyBytesMax {
      throw .tooLarge(what: "the key", bytes: keyLength, limit: LogFormat.keyBytesMax)
    }
    if let document { try Self.append(document, to: &writer) }
    payload = writer.bytes
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
    if documentBytes == 0 { throw .encodingFailed(reason: "the document writes nothing, which must be one CBOR map") }
    if documentBytes > LogFormat.documentBytesMax {
      throw .tooLarge(what: "the document", bytes: documentBytes, limit: LogFormat.documentBytesMax)
    }
  }
}
