import Foundation
import Testing

@testable import DarkBird

/// Hash values differ from process to process, so what is asked of them leaves room for luck, but not much.
struct StoreHashTests {
  @Test func everyCharacterThatEqualsOneOfASCIIHashesAlike() {
    let hashes = Dictionary(
      uniqueKeysWithValues: (0..<128).map { (String(UnicodeScalar($0)), String(UnicodeScalar($0)).storeHash) })
    var others = 0
    for scalar in (0x80...0x10FFFF).lazy.compactMap(UnicodeScalar.init) {
      guard let hash = hashes[String(scalar)] else { continue }
      others += 1
      #expect(String(scalar).storeHash == hash, "U+\(String(scalar.value, radix: 16))")
    }
    #expect(others == 3)
  }

  @Test func equalStringsHashAlike() {
    let alike = [
      ["café", "cafe\u{301}"], ["Kelvin 3K", "\u{212A}elvin 3\u{212A}"], ["Ķ", "K\u{327}", "\u{212A}\u{327}"],
      ["각", "\u{1100}\u{1161}\u{11A8}"], ["; and ;", "\u{37E} and ;"],
      ["a long text that ends in é", "a long text that ends in e\u{301}"],
    ]
    for strings in alike {
      for string in strings {
        #expect(string == strings[0])
        #expect(string.storeHash == strings[0].storeHash, "\(string)")
        #expect(IndexValue.string(string).storeHash == strings[0].storeHash)
        #expect(String(Substring(string + "!").dropLast()).storeHash == strings[0].storeHash)
      }
    }
    #expect(Set(alike.map { $0[0].storeHash }).count == alike.count)
  }

  @Test func everyBitOfAKeyChangesHalfOfTheHash() {
    var generator = SeededGenerator(seed: 1)
    let samples = 2_000
    for bit in 0..<64 {
      var changed = Array(repeating: 0, count: 64)
      for _ in 0..<samples {
        let key = UInt64.random(in: 0...UInt64.max, using: &generator)
        let difference = key.storeHash ^ (key ^ 1 << UInt64(bit)).storeHash
        for place in 0..<64 { changed[place] += Int(difference >> UInt(place) & 1) }
      }
      // Eight standard deviations.
      let bound = 8 * Int((Double(samples) / 4).squareRoot())
      for place in 0..<64 { #expect(abs(changed[place] - samples / 2) < bound, "bit \(bit), place \(place)") }
    }
  }

  /// Keys as programs have them, in the places of tables that use the lowest or the highest bits.
  @Test(arguments: ["numbers", "even numbers", "large numbers", "addresses", "identifiers"])
  func keysAreSpreadEvenly(_ kind: String) {
    let (keys, places) = (64_000, 256)
    var low = Array(repeating: 0, count: places)
    var high = low
    var all = Set<UInt>()
    for number in 0..<keys {
      let hash =
        switch kind {
        case "numbers": number.storeHash
        case "even numbers": Int64(number * 2).storeHash
        case "large numbers": UInt64(number << 40).storeHash
        case "addresses": "user\(number)@example.org".storeHash
        default:
          UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, UInt8(number >> 8), UInt8(number & 255))).storeHash
        }
      all.insert(hash)
      low[Int(hash % UInt(places))] += 1
      high[Int(hash >> 56)] += 1
    }
    #expect(all.count == keys)
    // The sum has 255 degrees of freedom: 255 ± 22.6. One beyond 455 would be a matter of 10^-13.
    for counts in [low, high] {
      let expected = Double(keys) / Double(places)
      let sum = counts.reduce(0) { $0 + (Double($1) - expected) * (Double($1) - expected) / expected }
      #expect(sum < 455, "\(sum)")
    }
  }

  @Test func everyByteAndTheLengthOfAStringCount() {
    var all = Set<UInt>()
    var count = 0
    for length in 0..<70 {
      let zeros = [UInt8](repeating: 0, count: length)
      all.insert(String(decoding: zeros, as: UTF8.self).storeHash)
      count += 1
      for place in zeros.indices {
        for bit in 0..<7 {
          var bytes = zeros
          bytes[place] = 1 << UInt8(bit)
          all.insert(String(decoding: bytes, as: UTF8.self).storeHash)
          count += 1
        }
      }
    }
    #expect(all.count == count)
  }
}
