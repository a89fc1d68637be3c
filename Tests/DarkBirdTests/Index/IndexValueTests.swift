import Foundation
import Testing

@testable import DarkBird

struct IndexValueTests {
  /// In ascending order; values in one row are equal.
  private let ladder: [[IndexValue]] = [
    [.bool(false)], [.bool(true)],
    [.double(-.infinity)], [.double(-1e300)], [.int(.min), .double(-0x1p63)], [.int(.min + 1)],
    [.int(-1), .double(-1)], [.double(-0.5)],
    [.int(0), .double(0), .double(-0.0)], [.double(.leastNonzeroMagnitude)], [.int(2), .double(2)],
    [.double(2.5)], [.int(5)], [.int(10)], [.int(1 << 53), .double(0x1p53)], [.int(1 << 53 + 1)],
    [.int(.max)], [.double(0x1p63)], [.double(.infinity)],
    [.date(.distantPast)], [.date(Date(timeIntervalSinceReferenceDate: 0))], [.date(.distantFuture)],
    [.string("")], [.string("10")], [.string("5")], [.string("Z")], [.string("a")],
    [.string("caf\u{E9}"), .string("cafe\u{301}")],
  ]

  /// No store takes NaN, but anybody may compare with it.
  @Test func comparingWithNaNDoesNotTrap() {
    for integer in [IndexValue.int(.min), .int(3), .int(.max)] {
      #expect(integer < .double(.nan) && integer != .double(.nan) && !(IndexValue.double(.nan) < integer))
    }
    #expect(!IndexRange.atLeast(Double.nan).contains(.int(3)))
  }

  @Test func orderIsTotalAndSpansAllTypes() {
    for (low, row) in ladder.enumerated() {
      for (high, other) in ladder.enumerated() {
        for left in row {
          for right in other {
            #expect((left < right) == (low < high), "\(left) < \(right)")
            #expect((left == right) == (low == high), "\(left) == \(right)")
            #expect(left.isSame(as: right) == (low == high), "\(left), \(right)")
            if low == high {
              #expect(left.hashValue == right.hashValue, "\(left), \(right)")
              #expect(left.storeHash == right.storeHash, "\(left), \(right)")
            }
          }
        }
      }
    }
  }

  /// Texts of all lengths around those of machine words, which differ in one byte or in none.
  @Test func everyByteOfATextCounts() {
    for length in 0...33 {
      let text = Array("abcdefghijklmnopqrstuvwxyz0123456".utf8.prefix(length))
      let value = IndexValue.string(String(decoding: text, as: UTF8.self))
      #expect(value.isSame(as: .string(String(decoding: text, as: UTF8.self))), "\(value)")
      #expect(!value.isSame(as: .string(String(decoding: text + [33], as: UTF8.self))), "\(value)")
      for place in 0..<length {
        var other = text
        other[place] ^= 1
        #expect(!value.isSame(as: .string(String(decoding: other, as: UTF8.self))), "\(value), byte \(place)")
      }
    }
  }

  @Test func rangesWithOneBoundStayWithinItsType() {
    let all = ladder.flatMap { $0 }
    #expect(all.filter(IndexRange.atLeast(5).contains).allSatisfy { $0.typeRank == IndexValue.int(0).typeRank })
    #expect(all.filter(IndexRange.less(than: "a").contains) == ["", "10", "5", "Z"])
    #expect(all.filter(IndexRange.greater(than: false).contains) == [true])
    #expect(all.filter(IndexRange.all.contains).count == all.count)
    #expect(all.filter(IndexRange.exactly(2).contains) == [.int(2), .double(2)])
    #expect(all.filter(IndexRange.halfOpen(2, 5).contains) == [.int(2), .double(2), .double(2.5)])
    #expect(all.filter(IndexRange(lower: .excluded(2), upper: .excluded(2)).contains) == [])
  }

  @Test func boundsOfARangeAgreeWithContains() {
    let values = ladder.flatMap { $0 }
    let bounds = values.flatMap { [IndexBound.included($0), .excluded($0)] } + [.unbounded]
    for lower in bounds {
      for upper in bounds {
        let range = IndexRange(lower: lower, upper: upper)
        let (low, high) = range.bounds
        for value in values {
          #expect((!low.isAbove(value) && high.isAbove(value)) == range.contains(value), "\(range) \(value)")
        }
      }
    }
  }

  @Test func invertedAndNaNBoundsAreRefused() {
    #expect(throws: StoreError.invertedRange(field: "age", lower: 6, upper: 5)) {
      try IndexRange.closed(6, 5).validate("age")
    }
    #expect(throws: StoreError.invertedRange(field: "age", lower: "a", upper: 5)) {
      try IndexRange.closed("a", 5).validate("age")
    }
    #expect(throws: StoreError.self) { try IndexRange.atLeast(Double.nan).validate("age") }
    #expect(throws: Never.self) { try IndexRange.halfOpen(5, 5).validate("age") }
  }

  @Test func convertibleTypesBecomeTheirValues() {
    enum Club: String, IndexValueConvertible { case ajax = "Ajax" }
    enum Level: Int8, IndexValueConvertible { case high = 3 }
    #expect(Club.ajax.indexValue == "Ajax" && Level.high.indexValue == 3)
    #expect(UInt32.max.indexValue == .int(4_294_967_295))
    #expect(Float(0.5).indexValue == .double(0.5))
    let uuid = UUID()
    #expect(uuid.indexValue == .string(uuid.uuidString))
    #expect(Date(timeIntervalSince1970: 0).indexValue.description == "1970-01-01T00:00:00Z")
  }
}
