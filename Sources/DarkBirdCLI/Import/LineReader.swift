import DarkBird
import Foundation

/// Lines of a file or of standard input, read in blocks.
///
/// At most one line and one block are in memory. A line ends with a newline, which is not part of it, or with the file;
/// a carriage return before the newline is left to the format. A byte order mark at the start of the file is dropped.
final class LineReader {
  /// Bytes of the longest line that is kept.
  ///
  /// As much as `export` writes of any text: six bytes for one, in the document and in the key. (Not of a document of many millions of
  /// empty values, whose forms are longer than that.)
  static let lineBytesMax = 6 * (LogFormat.documentBytesMax + LogFormat.keyBytesMax) + (1 << 20)
  static let tooLong = BadInput(reason: "longer than \(lineBytesMax >> 20) MiB")
  private static let blockBytes = 256 << 10

  struct Line: Hashable {
    /// From 1.
    var number: Int
    /// nil if the line is longer than `lineBytesMax`.
    var bytes: [UInt8]?
  }

  /// How people know the file: its path, or "standard input".
  let name: String
  /// Of a regular file, in bytes; nil for a pipe or a terminal.
  let size: Int?
  private(set) var bytesRead = 0
  private let handle: FileHandle
  private var block: [UInt8] = []
  private var start = 0
  private var number = 0
  private var isAtEnd = false

  /// - Parameter path: a file, or `-` for standard input.
  /// - Throws: `Failure` if it does not exist or cannot be read.
  init(path: String) throws(Failure) {
    if path == "-" {
      name = "standard input"
      handle = .standardInput
    } else {
      name = path
      let descriptor = open(path, O_RDONLY | O_CLOEXEC)
      if descriptor < 0 { throw Failure(path, errorNumber: errno) }
      handle = FileHandle(fileDescriptor: descriptor, closeOnDealloc: true)
    }
    var status = stat()
    if fstat(handle.fileDescriptor, &status) != 0 { throw Failure(name, errorNumber: errno) }
    if status.st_mode & S_IFMT == S_IFDIR { throw Failure(.noInput, name, "is a directory") }
    size = status.st_mode & S_IFMT == S_IFREG ? Int(status.st_size) : nil
    try fill()
    if block.starts(with: [0xef, 0xbb, 0xbf]) { start = 3 }
  }

  /// What of the file is in memory and not read yet, for formats that know no lines.
  var unread: ArraySlice<UInt8> { block[start...] }

  func skip(_ count: Int) { start += count }

  /// Whether `unread` has something, after reading on if need be.
  func hasMore() throws(Failure) -> Bool {
    if start == block.count && !isAtEnd { try fill() }
    return start < block.count
  }

  /// The next line; nil at the end of the file.
  func next() throws(Failure) -> Line? {
    var line: [UInt8] = []
    var isTooLong = false
    while true {
      if start == block.count {
        try fill()
        if isAtEnd { break }
      }
      let end = endOfLine()
      if line.count + end - start > Self.lineBytesMax {
        isTooLong = true
        line = []
      }
      if !isTooLong { line.append(contentsOf: block[start..<end]) }
      if end < block.count {
        start = end + 1
        number += 1
        return Line(number: number, bytes: isTooLong ? nil : line)
      }
      start = end
    }
    if line.isEmpty && !isTooLong { return nil }
    number += 1
    return Line(number: number, bytes: isTooLong ? nil : line)
  }

  /// Index of the next newline in the block, or the block's end.
  private func endOfLine() -> Int {
    // `memchr` looks at `block[start...]` only, and `start` is never beyond the end.
    block.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let found = memchr(base + start, 0x0a, bytes.count - start) else {
        return bytes.count
      }
      return UnsafeRawPointer(found) - base
    }
  }

  private func fill() throws(Failure) {
    start = 0
    var count = 0
    var code: Int32 = 0
    let descriptor = handle.fileDescriptor
    // The buffer is ours for the call, and `initialized` is what the system says it wrote.
    block = [UInt8](unsafeUninitializedCapacity: Self.blockBytes) { buffer, initialized in
      repeat {
        count = read(descriptor, buffer.baseAddress, buffer.count)
        if count < 0 { code = errno }
      } while count < 0 && waitIfBlocked(descriptor, POLLIN, code)
      initialized = max(0, count)
    }
    if count < 0 { throw Failure(name, errorNumber: code) }
    bytesRead += count
    isAtEnd = count == 0
  }
}
