internal import CDarkBird

/// CRC-32C (Castagnoli), the checksum of pages, frames and checkpoints.
package enum CRC32C {
  /// The CRC of `bytes`, or of everything before and `bytes` if `seed` is the CRC of everything before:
  /// `checksum(b, seed: checksum(a)) == checksum(a + b)`.
  /// - Complexity: O(bytes); several bytes a nanosecond where the processor has the instruction.
  package static func checksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    // Safe: the C function reads exactly `count` bytes from `baseAddress`.
    db_crc32c(seed, bytes.baseAddress, bytes.count)
  }

  package static func checksum(_ bytes: [UInt8], seed: UInt32 = 0) -> UInt32 {
    bytes.withUnsafeBytes { checksum($0, seed: seed) }
  }

  /// The same without the processor's instruction, for tests that compare the two.
  package static func portableChecksum(_ bytes: UnsafeRawBufferPointer, seed: UInt32 = 0) -> UInt32 {
    db_crc32c_portable(seed, bytes.baseAddress, bytes.count)
  }
}
