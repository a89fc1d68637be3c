import Foundation
import Testing

@testable import DarkBirdCLI

@Suite struct LineReaderTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private func lines(_ bytes: [UInt8]) throws -> [String] {
    let reader = try LineReader(path: directory.file("in", bytes))
    var found: [String] = []
    while let line = try reader.next() {
      found.append("\(line.number):\(String(decoding: line.bytes ?? [], as: UTF8.self))")
    }
    return found
  }

  @Test func linesEndWithANewlineOrTheFile() throws {
    #expect(try lines([]) == [])
    #expect(try lines(Array("a".utf8)) == ["1:a"])
    #expect(try lines(Array("a\n".utf8)) == ["1:a"])
    #expect(try lines(Array("\n\nb\r\n".utf8)) == ["1:", "2:", "3:b\r"])
    #expect(try lines([0xef, 0xbb, 0xbf] + Array("a\nb".utf8)) == ["1:a", "2:b"])
  }

  /// Lines that end before, at and after the end of a block of 256 KiB.
  @Test(arguments: [(256 << 10) - 2, (256 << 10) - 1, 256 << 10, (256 << 10) + 1, 1 << 20])
  func linesCrossBlocks(length: Int) throws {
    let long = [UInt8](repeating: UInt8(ascii: "x"), count: length)
    let reader = try LineReader(path: directory.file("in", long + Array("\nshort\n".utf8)))
    #expect(try reader.next()?.bytes == long)
    #expect(try reader.next()?.bytes == Array("short".utf8))
    #expect(try reader.next() == nil)
    #expect(reader.bytesRead == reader.size)
  }

  @Test func tooLongLinesAreSkipped() throws {
    let path = try directory.file("in", [])
    let file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
    // Zeros that take no room on the disk.
    try file.truncate(atOffset: UInt64(LineReader.lineBytesMax + 1))
    try file.seekToEnd()
    try file.write(contentsOf: Array("\nnext\n".utf8))
    try file.close()
    let reader = try LineReader(path: path)
    #expect(try reader.next() == LineReader.Line(number: 1, bytes: nil))
    #expect(try reader.next() == LineReader.Line(number: 2, bytes: Array("next".utf8)))
  }

  @Test func filesThatCannotBeReadAreNoInput() throws {
    for path in [directory("missing"), directory.path] {
      #expect { _ = try LineReader(path: path) } throws: { ($0 as? Failure)?.code == .noInput }
    }
  }
}
