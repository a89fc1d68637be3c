public import Foundation

/// The name of a field as it stands in the bytes, for choosing by it without making a `String`:
///
///     switch try reader.readName() {
///     case "email": email = try reader.readString()
///     case "age": age = try reader.readInt()
///     default: try reader.skipValue()
///     }
///
/// Names are equal if their bytes are, so an "é" in one Unicode form is not the same as in the other.
///
/// Valid as long as the bytes that the reader reads. Take its `description` to keep it longer.
public struct CBORName: CustomStringConvertible {
  // Safe: `start` and `count` are a part of the reader's bytes that was compared with their end, and lives as long.
  @usableFromInline let start: UnsafeRawPointer
  @usableFromInline let count: Int
  /// A name that came in pieces, put together; almost never.
  @usableFromInline let joined: String?

  /// Text in the reader's bytes, UTF-8 for certain.
  @inlinable @inline(__always)
  init(_ start: UnsafeRawPointer, count: Int) {
    self.start = start
    self.count = count
    joined = nil
  }

  @usableFromInline
  init(joined: String, near start: UnsafeRawPointer) {
    self.start = start
    // No literal is as long, so that the comparison with one need not ask about `joined` first.
    count = -1
    self.joined = joined
  }

  /// The name as a string.
  public var description: String {
    joined ?? String(decoding: UnsafeRawBufferPointer(start: start, count: count), as: UTF8.self)
  }

  @inlinable @inline(__always)
  public static func ~= (literal: StaticString, name: CBORName) -> Bool { name == literal }

  /// - Complexity: O(bytes), a few instructions for a literal of some bytes.
  @inlinable @inline(__always)
  public static func == (name: CBORName, literal: StaticString) -> Bool {
    // Safe: `memcmp` reads as many bytes as both have.
    if name.count == literal.utf8CodeUnitCount { return memcmp(name.start, literal.utf8Start, name.count) == 0 }
    return name.count < 0 && name.joinedEquals(literal)
  }

  /// Where the name is not known before the program runs.
  public static func == (name: CBORName, text: String) -> Bool {
    if let joined = name.joined { return joined.utf8.elementsEqual(text.utf8) }
    return text.utf8.elementsEqual(UnsafeRawBufferPointer(start: name.start, count: name.count))
  }

  @usableFromInline
  func joinedEquals(_ literal: StaticString) -> Bool {
    literal.withUTF8Buffer { joined?.utf8.elementsEqual($0) ?? false }
  }
}
