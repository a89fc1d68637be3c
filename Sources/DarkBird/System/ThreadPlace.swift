public import CDarkBird

/// A number of so many bits that the calling thread mostly has for itself among those that run, made of where its stack is.
@inlinable @inline(__always)
func threadPlace(bits: Int) -> Int {
  // Stacks are 256 KiB apart, or more.
  let stack = UInt64(UInt(db_stack_address()) >> 18)
  return Int(truncatingIfNeeded: (stack &* 0x9E37_79B9_7F4A_7C15) >> UInt64(64 - bits))
}
