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
      writer.kept = keyLength
      do { try document.encode(cbor: &writer) } catch { throw .encodingFailed(reason: "\(error)") }
      // Another writer in its place keeps nothing.
      if writer.kept != keyLength || writer.bytes.count <= keyLength {
        throw .encodingFailed(reason: "the document writes nothing, or not to the writer that it is given")
      }
    }
    payload = writer.bytes
    let documentBytes = payload.count - keyLength
    if documentBytes > LogFormat.documentBytesMax {
      throw .tooLarge(what: "the document", bytes: documentBytes, limit: LogFormat.documentBytesMax)
    }
  }
}
