import Foundation

/// What all threads of this process have used of all processors so far.
func processorSeconds() -> Double { Double(clock()) / Double(CLOCKS_PER_SEC) }

/// What the disk itself can do.
enum DiskProbe {
  /// Appends `bytes` to a file and has them on the disk, `count` times.
  static func syncsPerSecond(path: String, bytes: Int, count: Int) throws -> Double {
    let descriptor = open(path, O_CREAT | O_TRUNC | O_WRONLY, 0o600)
    guard descriptor >= 0 else { throw failure() }
    defer {
      close(descriptor)
      unlink(path)
    }
    let block = [UInt8](repeating: 0xA5, count: bytes)
    let began = monotonicNanoseconds()
    for _ in 0..<count {
      // The pointer is used within the call only.
      let written = block.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      guard written == bytes else { throw failure() }
      #if canImport(Darwin)
        guard fcntl(descriptor, F_FULLFSYNC) == 0 else { throw failure() }
      #else
        guard fdatasync(descriptor) == 0 else { throw failure() }
      #endif
    }
    return Double(count) / (Double(monotonicNanoseconds() - began) / 1e9)
  }

  private static func failure() -> any Error { POSIXError(POSIXErrorCode(rawValue: errno) ?? .EIO) }
}
