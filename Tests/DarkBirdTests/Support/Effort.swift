import Foundation

/// How much of the seeded and exhaustive tests to run: enough for every day here, more by environment variables.
enum Effort {
  /// Seeds of the model test.
  static let modelSeeds = number("DARKBIRD_MODEL_SEEDS", 2_000)
  /// Disks after a power loss.
  static let crashImages = number("DARKBIRD_CRASH_IMAGES", 20_000)
  /// Concurrent histories of each of seven kinds: of keys, of batches and of unique values, in memory and on disk, and of tags.
  static let histories = number("DARKBIRD_HISTORIES", 600)
  /// Added to all seeds, so that a long run can try others.
  static let firstSeed = number("DARKBIRD_FIRST_SEED", 0)
  /// Whether damage strikes every bit, also of the parts of a file that nothing reads.
  static let isExhaustive = number("DARKBIRD_EXHAUSTIVE", 0) != 0

  /// Who goes on until others have seen something goes on no longer than this.
  static let stepsMax = 1_000_000

  /// How often threads meet in a test that counts on chance. ThreadSanitizer takes twenty times as long for each, and needs no
  /// bad moment to see a race.
  static func meetings(_ count: Int) -> Int {
    #if DARKBIRD_THREAD_SANITIZER
      count / 5
    #else
      count
    #endif
  }

  /// Of several ways to do the same on the same threads, ThreadSanitizer sees the last.
  static func choices<Choice>(_ all: [Choice]) -> [Choice] {
    #if DARKBIRD_THREAD_SANITIZER
      all.suffix(1)
    #else
      all
    #endif
  }

  /// `count` seeds in `chunks` parts that can run side by side.
  static func chunks(_ count: Int, _ chunks: Int) -> [Range<Int>] {
    let length = (count + chunks - 1) / chunks
    return stride(from: 0, to: count, by: length).map { firstSeed + $0..<firstSeed + min($0 + length, count) }
  }

  private static func number(_ name: String, _ otherwise: Int) -> Int {
    ProcessInfo.processInfo.environment[name].flatMap(Int.init) ?? otherwise
  }
}

/// What a seeded test found wrong; the test adds the seed.
struct Mismatch: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

func require(_ condition: Bool, _ description: @autoclosure () -> String) throws {
  if !condition { throw Mismatch(description()) }
}

func requireEqual<Value: Equatable>(_ found: Value, _ expected: Value, _ what: @autoclosure () -> String) throws {
  if found != expected { throw Mismatch("\(what()): found \(found), expected \(expected)") }
}
