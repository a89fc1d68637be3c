import Foundation
import Testing

@testable import DarkBird

struct PosixFileTests {
  /// As on file systems that cannot reserve: what is there stays.
  @Test(arguments: [0, 5, 3 << 20]) func roomIsMadeOfZerosBehindWhatIsThere(content: Int) throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "darkbird-\(UUID().uuidString)").path
    defer { try? FileManager.default.removeItem(atPath: path) }
    let file = try PosixFile(path, .createNew)
    defer { file.close() }
    try file.writeAll([UInt8](repeating: 7, count: content), at: 0)
    try file.writeZeros(upTo: (2 << 20) + 3)
    let size = max(content, (2 << 20) + 3)
    #expect(try file.size() == size)
    #expect(try file.readAll(at: 0, count: size) == (0..<size).map { $0 < content ? 7 : 0 })
  }
}
