/// A text that lines of events must contain; ASCII letters match in either case. An empty one matches everything.
package struct EventFilter: Sendable {
  private let needle: [UInt8]

  package init(_ text: String) { needle = text.utf8.map(Self.lowered) }

  package func matches(_ line: EventLine) -> Bool {
    if needle.isEmpty { return true }
    if contains(line.key) || contains(line.detail) || contains(line.kind.rawValue) { return true }
    return line.shard.map { contains("s\($0)") } ?? false
  }

  /// By bytes and without a copy: it runs for thousands of lines in each frame.
  private func contains(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { bytes in
      guard bytes.count >= needle.count else { return false }
      for start in 0...(bytes.count - needle.count) where Self.lowered(bytes[start]) == needle[0] {
        var length = 1
        while length < needle.count, Self.lowered(bytes[start + length]) == needle[length] { length += 1 }
        if length == needle.count { return true }
      }
      return false
    }
  }

  private static func lowered(_ byte: UInt8) -> UInt8 { (0x41...0x5A).contains(byte) ? byte | 0x20 : byte }
}
