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

  /// The CRC of everything that `crc` is of and `count` zero bytes, but for what the zeros themselves add:
  /// `checksum(a + b) == shifted(checksum(a), by: b.count) ^ checksum(b)`.
  /// - Complexity: O(log count).
  package static func shifted(_ crc: UInt32, by count: Int) -> UInt32 {
    var (crc, count, power) = (crc, count, 0)
    while count > 0 {
      if count & 1 == 1 { crc = product(powers[power], crc) }
      count >>= 1
      power += 1
    }
    return crc
  }

  /// x^8, x^16, x^32 and so on, modulo the polynomial.
  private static let powers: [UInt32] = {
    var powers: [UInt32] = [1 << 23]
    while powers.count < Int.bitWidth { powers.append(product(powers[powers.count - 1], powers[powers.count - 1])) }
    return powers
  }()

  /// Of two polynomials over GF(2), whose highest bit is the coefficient of 1, modulo that of CRC-32C.
  private static func product(_ left: UInt32, _ right: UInt32) -> UInt32 {
    var (left, right, sum) = (left, right, UInt32(0))
    while left != 0 {
      if left >> 31 == 1 { sum ^= right }
      left <<= 1
      right = right >> 1 ^ (right & 1 == 1 ? 0x82F6_3B78 : 0)
    }
    return sum
  }
}
