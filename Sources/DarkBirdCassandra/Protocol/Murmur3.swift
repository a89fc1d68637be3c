/// The hash by which Cassandra and Scylla place a partition: the first half of MurmurHash3 x64 128 with seed 0, but with the bytes of
/// the tail taken as signed, as Java has them; and -2^63, which stands for "before the first", is 2^63-1.
enum Murmur3 {
  static func token(_ bytes: some RandomAccessCollection<UInt8>) -> Int64 {
    let bytes = Array(bytes)
    let (c1, c2): (UInt64, UInt64) = (0x87c3_7b91_1142_53d5, 0x4cf5_ad43_2745_937f)
    func rotated(_ number: UInt64, _ bits: UInt64) -> UInt64 { number << bits | number >> (64 - bits) }
    func mixed(_ number: UInt64) -> UInt64 {
      var number = number
      number ^= number >> 33
      number &*= 0xff51_afd7_ed55_8ccd
      number ^= number >> 33
      number &*= 0xc4ce_b9fe_1a85_ec53
      return number ^ number >> 33
    }
    var (h1, h2): (UInt64, UInt64) = (0, 0)
    let blocks = bytes.count / 16
    for block in 0..<blocks {
      func word(_ start: Int) -> UInt64 { (0..<8).reduce(0) { $0 | UInt64(bytes[start + $1]) << UInt64(8 * $1) } }
      let (k1, k2) = (word(block * 16), word(block * 16 + 8))
      h1 ^= rotated(k1 &* c1, 31) &* c2
      h1 = (rotated(h1, 27) &+ h2) &* 5 &+ 0x52dc_e729
      h2 ^= rotated(k2 &* c2, 33) &* c1
      h2 = (rotated(h2, 31) &+ h1) &* 5 &+ 0x3849_5ab5
    }
    var (k1, k2): (UInt64, UInt64) = (0, 0)
    for (index, byte) in bytes[(blocks * 16)...].enumerated() {
      let signed = UInt64(bitPattern: Int64(Int8(bitPattern: byte)))
      if index < 8 { k1 ^= signed << UInt64(8 * index) } else { k2 ^= signed << UInt64(8 * (index - 8)) }
    }
    h2 ^= rotated(k2 &* c2, 33) &* c1
    h1 ^= rotated(k1 &* c1, 31) &* c2
    h1 ^= UInt64(bytes.count)
    h2 ^= UInt64(bytes.count)
    h1 &+= h2
    h2 &+= h1
    h1 = mixed(h1)
    h2 = mixed(h2)
    h1 &+= h2
    let token = Int64(bitPattern: h1)
    return token == .min ? .max : token
  }
}
