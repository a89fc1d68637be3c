/// SplitMix64: one multiplication chain a number, no warm-up, any seed is good. Makes one document from its number, and
/// the state of a `SeededGenerator` from a seed.
///
/// Steele, Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014; constants of Vigna's
/// `splitmix64.c`.
struct SplitMix64: RandomNumberGenerator, Sendable {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  /// A generator for one document: every change of any of the three gives an unrelated sequence.
  init(seed: UInt64, number: UInt64, revision: UInt64) {
    state = Self.mix(Self.mix(Self.mix(seed &+ Self.step) ^ number) &+ Self.step ^ revision)
  }

  mutating func next() -> UInt64 {
    state &+= Self.step
    return Self.mix(state)
  }

  private static let step: UInt64 = 0x9E37_79B9_7F4A_7C15

  private static func mix(_ value: UInt64) -> UInt64 {
    var mixed = value
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}

/// xoshiro256**: the random numbers of one thread. The same seed and stream give the same numbers on every machine.
///
/// Blackman, Vigna: "Scrambled Linear Pseudorandom Number Generators", ACM TOMS 47(4), 2021.
struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: (UInt64, UInt64, UInt64, UInt64)

  /// - Parameter stream: tells the threads of one seed apart.
  init(seed: UInt64, stream: UInt64 = 0) {
    var mixer = SplitMix64(seed: seed, number: stream, revision: 0)
    state = (mixer.next(), mixer.next(), mixer.next(), mixer.next() | 1)
  }

  /// - Parameter state: not all zero.
  init(state: (UInt64, UInt64, UInt64, UInt64)) { self.state = state }

  mutating func next() -> UInt64 {
    let result = (state.1 &* 5).rotatedLeft(by: 7) &* 9
    let shifted = state.1 << 17
    state.2 ^= state.0
    state.3 ^= state.1
    state.1 ^= state.2
    state.0 ^= state.3
    state.2 ^= shifted
    state.3 = state.3.rotatedLeft(by: 45)
    return result
  }
}

extension RandomNumberGenerator {
  /// A number in `0 ..< bound` by one multiplication (Lemire, ACM TOMACS 2019, without the rejection step: the bias is
  /// below bound / 2^64). `bound` is 1 or more.
  mutating func below(_ bound: Int) -> Int {
    Int(truncatingIfNeeded: next().multipliedFullWidth(by: UInt64(bound)).high)
  }

  /// A number in `0 ..< 1` with 53 random bits.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// An element of a list that is not empty.
  mutating func pick<Element>(_ elements: [Element]) -> Element { elements[below(elements.count)] }
}

extension UInt64 {
  fileprivate func rotatedLeft(by bits: UInt64) -> UInt64 { self << bits | self >> (64 - bits) }
}
