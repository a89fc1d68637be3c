internal import Foundation

/// What an item begins with.
struct CBORHead {
  /// Where the item starts, its tags left out.
  var offset: Int
  /// The first byte.
  var first: UInt8
  /// Value of the integer, count of the string or container, bits of the floating-point number.
  var argument: UInt64
  /// The innermost tag before the item.
  var tag: UInt64?

  var major: UInt8 { first & 0xE0 }
  var isIndefinite: Bool { first & 0x1F == 31 }

  /// What the item is, for messages.
  var kind: String {
    switch major {
    case CBORFormat.unsigned, CBORFormat.negative: tag == CBORFormat.tagDate ? "a date" : "an integer"
    case CBORFormat.bytes: "bytes"
    case CBORFormat.text: "a string"
    case CBORFormat.array: "an array"
    case CBORFormat.map: "a map"
    default:
      switch first & 0x1F {
      case 20, 21: "a boolean"
      case 22, 23: "null"
      case 25, 26, 27: tag == CBORFormat.tagDate ? "a date" : "a floating-point number"
      default: "an unassigned simple value"
      }
    }
  }
}

extension Double {
  /// From an IEEE 754 half. `Float16` does the same, but not on every platform.
  init(halfBits bits: UInt16) {
    let exponent = Int(bits >> 10 & 0x1F)
    let fraction = Double(bits & 0x3FF)
    let magnitude: Double =
      switch exponent {
      case 0: Double(sign: .plus, exponent: -24, significand: fraction)
      case 31: fraction == 0 ? .infinity : .nan
      default: Double(sign: .plus, exponent: exponent - 25, significand: fraction + 1024)
      }
    self = bits & 0x8000 == 0 ? magnitude : -magnitude
  }
}

extension UUID {
  /// Nil unless there are 16 bytes.
  init?(bytes: [UInt8]) {
    guard bytes.count == 16 else { return nil }
    // Safe: exactly as many bytes as `uuid_t` has.
    self.init(uuid: bytes.withUnsafeBytes { $0.loadUnaligned(as: uuid_t.self) })
  }
}
