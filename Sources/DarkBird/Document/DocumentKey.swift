public import Foundation

/// What documents are found by: one CBOR item of any kind. `description` is the key in messages and on screens.
///
/// Equal keys must encode to equal bytes, and different keys to different ones, which as a `Value` are different too: two texts
/// that differ by their Unicode form only, or a UUID and its text, are one key for what works on a store without its types, as
/// backups and checkpoints of the command line do.
///
/// What a type of your own does here runs under no lock that a read or a write takes, so it may read the store; of writing see
/// ``Store``. A checkpoint calls `encode` too, and `close()` waits for that: it must not wait for a thread that closes the store.
/// That `==` is not called under the lock of a shard, as it is for the types that conform below, costs a write one more lookup.
public protocol DocumentKey: Hashable, Sendable, CustomStringConvertible {
  /// Writes exactly one CBOR item.
  func encode(cbor writer: inout CBORWriter) throws
  init(cbor reader: inout CBORReader) throws

  /// A hash value of 64 bits that are all as good as random, and the same for equal keys while the program runs.
  ///
  /// Integers, strings and UUIDs have a fast one, which types that wrap one of them may return as theirs. Without, it is
  /// `hashValue`.
  var storeHash: UInt { get }
}

/// A type of its own for the keys of one kind of document, `struct PlayerID: RawRepresentable, DocumentKey { var rawValue: UInt64 }`,
/// is stored and shown as its raw value. `var storeHash: UInt { rawValue.storeHash }` makes it as fast to find, and is right unless the
/// type has an `==` of its own.
extension DocumentKey where Self: RawRepresentable, RawValue: DocumentKey {
  @inlinable
  public func encode(cbor writer: inout CBORWriter) throws { try rawValue.encode(cbor: &writer) }

  /// - Throws: `CBORError` for a raw value that the type does not have; otherwise as that of the raw value.
  @inlinable
  public init(cbor reader: inout CBORReader) throws {
    let offset = reader.offset
    let value = try RawValue(cbor: &reader)
    guard let key = Self(rawValue: value) else {
      throw CBORError(offset: offset, reason: "\(Self.self) has no value \(value)")
    }
    self = key
  }

  @inlinable public var description: String { rawValue.description }
}

extension String: DocumentKey {
  @inlinable
  public func encode(cbor writer: inout CBORWriter) {
    writer.write(self)
  }

  @inlinable
  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readString()
  }
}

extension UUID: DocumentKey {
  @inlinable
  public func encode(cbor writer: inout CBORWriter) {
    writer.write(self)
  }

  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readUUID()
  }
}

extension Int: DocumentKey {
  @inlinable
  public func encode(cbor writer: inout CBORWriter) {
    writer.write(Int64(self))
  }

  @inlinable
  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readInteger()
  }
}

extension Int64: DocumentKey {
  @inlinable
  public func encode(cbor writer: inout CBORWriter) {
    writer.write(self)
  }

  @inlinable
  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readInt64()
  }
}

extension UInt64: DocumentKey {
  @inlinable
  public func encode(cbor writer: inout CBORWriter) {
    writer.write(self)
  }

  @inlinable
  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readUInt64()
  }
}

extension Int32: DocumentKey {
  @inlinable
  public func encode(cbor writer: inout CBORWriter) {
    writer.write(Int64(self))
  }

  @inlinable
  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readInteger()
  }
}

extension UInt32: DocumentKey {
  @inlinable
  public func encode(cbor writer: inout CBORWriter) {
    writer.write(UInt64(self))
  }

  @inlinable
  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readInteger()
  }
}

extension Value: DocumentKey {
  /// - Throws: if arrays and maps lie more than 64 deep in each other.
  public func encode(cbor writer: inout CBORWriter) throws {
    try writer.write(self)
  }

  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readValue()
  }
}
