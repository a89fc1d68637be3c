public import CDarkBird
public import Foundation

// The hash values by which the store finds keys, unique values and tags. All 64 bits are used: the lowest ones choose a shard or
// a stripe, the upper ones a place in a table. Of one process: nothing on disk depends on them. See `db_hash.h`.

extension DocumentKey {
  /// Any key can be found by Swift's own hash value.
  @inlinable
  public var storeHash: UInt { UInt(bitPattern: hashValue) }
}

extension DocumentKey where Self: FixedWidthInteger {
  @inlinable @inline(__always)
  public var storeHash: UInt { UInt(truncatingIfNeeded: db_hash_word(UInt64(truncatingIfNeeded: self))) }
}

extension UUID {
  @inlinable
  public var storeHash: UInt {
    withUnsafeBytes(of: uuid) { bytes in
      let second = db_hash_word(bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
      return (bytes.loadUnaligned(as: UInt64.self) ^ second).storeHash
    }
  }
}

extension String {
  /// Equal for equal strings, also where they consist of different characters.
  @inlinable @inline(__always)
  public var storeHash: UInt {
    let hash = utf8.withContiguousStorageIfAvailable { db_hash_ascii($0.baseAddress, $0.count) } ?? 0
    return hash != 0 ? UInt(truncatingIfNeeded: hash) : storeHashOfUnicode
  }

  @usableFromInline
  var storeHashOfUnicode: UInt {
    var ascii: [UInt8] = []
    for scalar in unicodeScalars {
      switch scalar.value {
      case ..<0x80: ascii.append(UInt8(scalar.value))
      // The only ones that Unicode has be equal to one of ASCII (their canonical decompositions, which never change).
      case 0x037E: ascii.append(UInt8(ascii: ";"))
      case 0x1FEF: ascii.append(UInt8(ascii: "`"))
      case 0x212A: ascii.append(UInt8(ascii: "K"))
      default: return UInt(bitPattern: hashValue)
      }
    }
    return UInt(truncatingIfNeeded: ascii.withUnsafeBufferPointer { db_hash_ascii($0.baseAddress, $0.count) })
  }
}

extension IndexValue {
  /// Equal for equal numbers, whichever case holds them.
  @inlinable @inline(__always)
  var storeHash: UInt {
    switch self {
    case .string(let value): value.storeHash
    case .int(let value): value.storeHash
    case .double(let value): Int64(exactly: value)?.storeHash ?? UInt(bitPattern: hashValue)
    case .bool, .date: UInt(bitPattern: hashValue)
    }
  }
}
