import Foundation

/// Ranks `0 ..< count` by Zipf's law: rank r comes up about in proportion to 1 / (r + 1)^theta.
///
/// Gray, Sundaresan, Englert, Baclawski, Weinberger: "Quickly Generating Billion-Record Synthetic Databases", SIGMOD
/// 1994, as YCSB uses it. Ranks 0 and 1 are exact, the others follow the continuous approximation of that paper. One
/// difference: the sum of the weights is not kept up term by term but computed for any count at once (Euler-Maclaurin,
/// relative error below 1e-12), so that a growing count costs next to nothing.
struct ZipfianGenerator: Sendable {
  static let theta = 0.99

  private(set) var count = 0
  private let theta: Double
  private var weightSum = 1.0
  private var eta = 0.0
  private let firstTwoWeights: Double
  private let exponent: Double

  /// - Parameters:
  ///   - count: 1 or more.
  ///   - theta: in 0 ..< 1; the larger, the more uneven.
  init(count: Int, theta: Double = ZipfianGenerator.theta) {
    precondition(theta >= 0 && theta < 1, "theta must be in 0 ..< 1")
    self.theta = theta
    firstTwoWeights = 1 + pow(0.5, theta)
    exponent = 1 / (1 - theta)
    resize(to: count)
  }

  /// The next rank. - Complexity: O(1); one call of `pow`.
  func next(using generator: inout some RandomNumberGenerator) -> Int {
    let point = generator.unit()
    let weight = point * weightSum
    if weight < 1 || count == 1 { return 0 }
    if weight < firstTwoWeights { return 1 }
    return min(Int(Double(count) * pow(eta * point - eta + 1, exponent)), count - 1)
  }

  /// Follows a count that grows in steps of a thousandth, which nobody can tell from following it exactly; a count
  /// that shrinks at once, so that no rank lies beyond it.
  mutating func follow(_ newCount: Int) {
    if newCount < count || newCount - count > count >> 10 { resize(to: newCount) }
  }

  private mutating func resize(to newCount: Int) {
    precondition(newCount >= 1, "there must be something to choose from")
    count = newCount
    weightSum = Self.weightSum(count, theta: theta)
    eta = count <= 2 ? 0 : (1 - pow(2 / Double(count), 1 - theta)) / (1 - firstTwoWeights / weightSum)
  }

  /// The sum of 1 / r^theta for r in 1 ... count: the first terms one by one, the rest as an integral with corrections.
  static func weightSum(_ count: Int, theta: Double) -> Double {
    let exact = min(count, 1_000)
    var sum = 0.0
    for rank in stride(from: exact, through: 1, by: -1) { sum += pow(Double(rank), -theta) }
    guard count > exact else { return sum }
    let (from, to) = (Double(exact), Double(count))
    let integral = (pow(to, 1 - theta) - pow(from, 1 - theta)) / (1 - theta)
    let trapezoid = (pow(to, -theta) - pow(from, -theta)) / 2
    let curvature = theta * (pow(from, -theta - 1) - pow(to, -theta - 1)) / 12
    return sum + integral + trapezoid + curvature
  }
}

/// Shuffles the numbers `0 ..< count`, so that popular ranks lie anywhere among the documents. Every number is hit
/// exactly once; YCSB hashes instead, which hits some twice and a third of them never.
struct KeyScramble: Sendable {
  let count: Int
  private let mask: UInt64
  private let shift: UInt64

  /// - Parameter count: 1 or more.
  init(count: Int) {
    self.count = count
    let bits = max(UInt64.bitWidth - UInt64(count - 1).leadingZeroBitCount, 2)
    mask = 1 << UInt64(bits) - 1
    shift = UInt64(bits + 1) / 2
  }

  /// - Complexity: O(1); less than two rounds on average.
  func callAsFunction(_ rank: Int) -> Int {
    var value = UInt64(rank)
    // Each step can be undone within `bits` bits, so this permutes the next power of two; numbers beyond `count` are
    // sent on their way again until they come back.
    repeat {
      value = (value &* 0x9E37_79B9_7F4A_7C15 &+ 0x632B_E59B_D9B4_E019) & mask
      value ^= value >> shift
      value = (value &* 0xD6E8_FEB8_6659_FD93) & mask
      value ^= value >> shift
    } while value >= UInt64(count)
    return Int(value)
  }
}
