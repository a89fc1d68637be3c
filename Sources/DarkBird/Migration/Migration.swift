/// One step from an older form of the documents to a newer one.
///
///     let migrations: [Migration] = [
///       Migration(to: 1, from: PlayerWithoutClub.self, to: Player.self) { Player(name: $0.name, club: "none") },
///       Migration(to: 2, from: (Int.self, Player.self), to: (String.self, Player.self)) { number, player in
///         player.isGhost ? nil : ("player-\(number)", player)
///       },
///     ]
///     let store = try Store<String, Player>(.disk(at: "players"), migrations: migrations)
///
/// The version counts the forms that the documents have had: 0 is that of a store that was never migrated. `Store.init` with
/// migrations runs those that a store has not had yet, in the order of their versions, all of them or none.
///
/// Pass migrations from the first release on, `[]` while there are none: only so does an older program refuse a store that a newer
/// one has migrated, with `.newerSchema`. Without, a store is opened as it is.
public struct Migration: Sendable {
  /// Of the documents after it, 1 or more.
  public let version: Int
  let change: @Sendable (EncodedDocument) throws -> EncodedDocument?

  /// A step that may change keys too, and leaves a document out by returning nil.
  ///
  /// `change` must be pure. It runs under no lock, on one document after the other in no order.
  public init<OldKey: DocumentKey, Old: Document, NewKey: DocumentKey, New: Document>(
    to version: Int, from: (OldKey.Type, Old.Type), to: (NewKey.Type, New.Type),
    _ change: @escaping @Sendable (OldKey, Old) throws -> (NewKey, New)?
  ) {
    self.version = version
    self.change = { encoded in
      let key: OldKey
      let document: Old
      do {
        key = try encoded.withKey { try $0.read(OldKey.self) }
        document = try encoded.withDocument { try $0.read(Old.self) }
      } catch {
        throw MigrationFailure(reason: "not \(OldKey.self) and \(Old.self): \(error)")
      }
      return try change(key, document).map { try EncodedDocument(key: $0.0, document: $0.1) }
    }
  }

  /// A step that leaves keys as they are.
  public init<Old: Document, New: Document>(
    to version: Int, from: Old.Type, to: New.Type, _ change: @escaping @Sendable (Old) throws -> New?
  ) {
    self.version = version
    self.change = { encoded in
      let document: Old
      do { document = try encoded.withDocument { try $0.read(Old.self) } } catch {
        throw MigrationFailure(reason: "not \(Old.self): \(error)")
      }
      guard let new = try change(document) else { return nil }
      return try encoded.replacingDocument(by: new)
    }
  }
}

/// Why one document could not be migrated.
struct MigrationFailure: Error, CustomStringConvertible {
  var reason: String
  var description: String { reason }
}

/// A key and a document in the bytes that a log has of them.
struct EncodedDocument: Equatable, Sendable {
  let payload: [UInt8]
  let keyLength: Int

  init(payload: [UInt8], keyLength: Int) {
    self.payload = payload
    self.keyLength = keyLength
  }

  /// - Throws: `.encodingFailed`, `.tooLarge`.
  init<Key: DocumentKey, New: Document>(key: Key, document: New) throws(StoreError) {
    let record = try EncodedRecord(key: key, document: document)
    self.init(payload: record.payload, keyLength: record.keyLength)
  }

  func replacingDocument<New: Document>(by document: New) throws(StoreError) -> EncodedDocument {
    let record = try EncodedRecord(encodedKey: payload[..<keyLength], document: document)
    return EncodedDocument(payload: record.payload, keyLength: keyLength)
  }

  func withKey<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try payload.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[..<keyLength])) }
  }

  func withDocument<R>(_ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
    try payload.withUnsafeBytes { try body(UnsafeRawBufferPointer(rebasing: $0[keyLength...])) }
  }

  /// The key as any tool can read it.
  var keyText: String { Self.keyText(Array(payload[..<keyLength])) }

  static func keyText(_ key: [UInt8]) -> String {
    (try? CBORReader.read(key) { try $0.readValue().description }) ?? "of \(key.count) bytes"
  }

  /// The document as JSON on one line, as far as JSON can say it.
  var documentText: String {
    (try? withDocument { try CBORReader.read($0) { try $0.readRecord() } }.json)
      ?? "\(payload.count - keyLength) bytes that are no document"
  }
}

extension UnsafeRawBufferPointer {
  fileprivate func read<Key: DocumentKey>(_: Key.Type) throws -> Key {
    var reader = CBORReader(self)
    return try Key(cbor: &reader)
  }

  fileprivate func read<Old: Document>(_: Old.Type) throws -> Old {
    var reader = CBORReader(self)
    return try Old(cbor: &reader)
  }
}
