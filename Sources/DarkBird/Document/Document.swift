/// What a store holds: a type that becomes a CBOR map and can be made from one, and that says what is indexed.
///
/// A `Codable` type needs no more than the conformance:
///
///     struct Player: Document, Codable {
///       var email: String
///       var club: String
///       var age: Int
///
///       static let schema: IndexSchema<Player> = [
///         .unique("email", \.email), .tag("club", \.club), .range("age", \.age),
///       ]
///     }
///
/// A type that is written and read very often can implement `encode(cbor:)` and `init(cbor:)` itself, which is several
/// times faster:
///
///     func encode(cbor writer: inout CBORWriter) {
///       writer.beginMap(count: 2)
///       writer.write("email"); writer.write(email)
///       writer.write("age"); writer.write(age)
///     }
///
///     init(cbor reader: inout CBORReader) throws {
///       var email = "", age = 0
///       try reader.readMap { name, reader in
///         switch name {
///         case "email": email = try reader.readString()
///         case "age": age = try reader.readInt()
///         default: break  // a field of a later version: skipped
///         }
///       }
///       (self.email, self.age) = (email, age)
///     }
///
/// Neither is ever called under a lock that a read or a write takes. While a checkpoint encodes documents, `close()` and another
/// checkpoint wait for it: so `encode` must not wait for a thread that calls those.
public protocol Document: Sendable {
  /// What is indexed. Empty by default.
  static var schema: IndexSchema<Self> { get }

  /// Writes the document as exactly one CBOR map whose names are text. Of a store on disk a write of more or less than one item is
  /// refused with `.encodingFailed`; in memory nothing is encoded.
  func encode(cbor writer: inout CBORWriter) throws

  /// Reads what `encode` of this or an earlier version of the type has written.
  init(cbor reader: inout CBORReader) throws
}

extension Document {
  public static var schema: IndexSchema<Self> { IndexSchema() }
}

extension Document where Self: Codable {
  /// The fields that `Codable` gives, as a map. `Date` becomes a CBOR date, `UUID` a CBOR UUID, `Data` and `[UInt8]`
  /// byte strings.
  /// - Throws: `CBORError`, which names the field, if the type cannot be encoded or encodes as something else than a map.
  public func encode(cbor writer: inout CBORWriter) throws {
    try CodableBridge.encode(self, to: &writer)
  }

  /// - Throws: `CBORError`, which names the field that is missing or of another type.
  public init(cbor reader: inout CBORReader) throws {
    self = try CodableBridge.decode(Self.self, from: &reader)
  }
}
