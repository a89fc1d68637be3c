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

  /// - Throws: `.encodingFailed`, `.tooLarge`.
  @inlinable
  init<Key: DocumentKey, Document: DarkBird.Document>(key: Key, document: Document?) throws(StoreError) {
    var writer = CBORWriter()
    do { try key.encode(cbor: &writer) } catch { throw .encodingFailed(reason: "the key: \(error)") }
    keyLength = writer.bytes.count
    if keyLength > LogFormat.keyBytesMax {
      throw .tooLarge(what: "the key", bytes: keyLength, limit: LogFormat.keyBytesMax)
    }
    if let document {
      do { try document.encode(cbor: &writer) } catch { throw .encodingFailed(reason: "\(error)") }
    }
    payload = writer.bytes
    let documentBytes = payload.count - keyLength
    if documentBytes > LogFormat.documentBytesMax {
      throw .tooLarge(what: "the document", bytes: documentBytes, limit: LogFormat.documentBytesMax)
    }
  }
}
