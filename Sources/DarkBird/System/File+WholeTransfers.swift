import Foundation

extension File {
  /// Writes everything, however short the single writes are.
  func writeAll(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) {
    var written = 0
    while written < bytes.count {
      let count = try write(UnsafeRawBufferPointer(rebasing: bytes[written...]), at: offset + written)
      // A write that takes nothing would be tried for ever.
      if count == 0 { throw SystemError(code: SystemError.ioErrorCode, call: "pwrite", path: "") }
      written += count
    }
  }

  func writeAll(_ bytes: [UInt8], at offset: Int) throws(SystemError) {
    var failure: SystemError?
    bytes.withUnsafeBytes { raw in
      do throws(SystemError) { try writeAll(raw, at: offset) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  /// The size of a file that is to be read as a whole. Where it is more than there is memory, as a damaged size or a file with
  /// holes may be, that is an error: to ask for so much would end the program.
  func sizeInMemory(_ path: String) throws(SystemError) -> Int {
    let size = try size()
    if UInt64(size) > ProcessInfo.processInfo.physicalMemory {
      throw SystemError(code: ENOMEM, call: "read", path: path)
    }
    return size
  }

  /// Calls `body` with the content from `start` on, piece after piece with the place of each, until it returns false or the file
  /// ends: in little memory, however large the file says it is.
  func forEachPiece(
    from start: Int = 0, _ body: (UnsafeRawBufferPointer, Int) throws(SystemError) -> Bool
  ) throws(SystemError) {
    var offset = start
    while true {
      let piece = try readAll(at: offset, count: 256 << 10)
      if piece.isEmpty { return }
      var result: Result<Bool, SystemError> = .success(false)
      piece.withUnsafeBytes { bytes in
        do throws(SystemError) { result = .success(try body(bytes, offset)) } catch { result = .failure(error) }
      }
      if try !result.get() { return }
      offset += piece.count
    }
  }

  /// Reads `count` bytes, or fewer at the end of the file.
  func readAll(at offset: Int, count: Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(SystemError) {
        while filled < count {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[filled..<count])
          let found = try read(into: rest, at: offset + filled)
          if found == 0 { return }
          filled += found
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }
}

extension FileSystem {
  /// Makes an empty file, in the place of one that is there. That one goes first: after a sync of its directory has failed, only
  /// a name that is given anew can become durable.
  func openAnew(_ path: String) throws(SystemError) -> any File {
    if try exists(path) { try remove(path) }
    return try open(path, .createNew)
  }

  /// The whole content of a file.
  func contents(_ path: String) throws(SystemError) -> [UInt8] {
    let file = try open(path, .read)
    defer { file.close() }
    return try file.readAll(at: 0, count: file.sizeInMemory(path))
  }
}
