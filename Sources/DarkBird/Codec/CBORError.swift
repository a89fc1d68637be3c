/// Why bytes are not the CBOR that was asked for, or why a value cannot be written as CBOR that can be read again.
public struct CBORError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Bytes from the start of the input (or of the output) to the item that is at fault.
  public var offset: Int
  /// One phrase for people, such as "expected a string, found an integer".
  public var reason: String

  public init(offset: Int, reason: String) {
    self.offset = offset
    self.reason = reason
  }

  public var description: String { "\(reason) (byte \(offset))" }
}
