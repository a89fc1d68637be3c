import Foundation

@testable import DarkBirdCassandra

/// Types and values of them.
struct RandomCQL {
  var generator: SplitMix

  init(seed: UInt64) { generator = SplitMix(state: seed) }

  mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &generator) }

  private static let scalars = CQLType.scalars.sorted { $0.key < $1.key }.map(\.value)

  mutating func type(depth: Int = 0) -> CQLType {
    switch below(depth < 3 ? 8 : 3) {
    case 3: .list(type(depth: depth + 1))
    case 4: .set(type(depth: depth + 1))
    case 5: .map(type(depth: depth + 1), type(depth: depth + 1))
    case 6: .tuple((0..<1 + below(3)).map { _ in type(depth: depth + 1) })
    case 7:
      .udt(
        keyspace: "k", name: "u",
        fields: (0..<1 + below(3)).map { CQLType.Field(name: "f\($0)", type: type(depth: depth + 1)) })
    default: Self.scalars[below(Self.scalars.count)]
    }
  }

  mutating func bytes() -> [UInt8] { (0..<below(12)).map { _ in UInt8(below(256)) } }

  private mutating func integer(_ bits: Int) -> Int64 {
    // Of all lengths.
    Int64(bitPattern: generator.next()) >> Int64(64 - 1 - below(bits))
  }

  mutating func value(_ type: CQLType) -> CQLValue {
    switch type {
    case .ascii: .text(String(decoding: bytes().map { $0 & 0x7f }, as: UTF8.self))
    case .text: .text(["", "a", "é", "e\u{301}", "東京", "\0", "👩‍👩‍👧"][below(7)] + String(below(100)))
    case .bigint, .counter: .integer(integer(64))
    case .int: .integer(integer(32))
    case .smallint: .integer(integer(16))
    case .tinyint: .integer(integer(8))
    case .blob, .custom: .blob(bytes())
    case .boolean: .boolean(below(2) == 0)
    case .varint: .varint(CQLInteger(bytes: bytes()))
    case .decimal: .decimal(unscaled: CQLInteger(bytes: bytes()), scale: Int32(below(41) - 20))
    case .float: .float(Float(below(1_000_000)) / 7)
    case .double: .double(Double(integer(64)) / 7)
    case .uuid, .timeuuid: .uuid(UUID(high: generator.next(), low: generator.next()))
    case .inet: .inet((0..<(below(2) == 0 ? 4 : 16)).map { _ in UInt8(below(256)) })
    case .date: .date(days: integer(32))
    case .time: .time(nanoseconds: Int64(below(86_400_000_000_000)))
    case .timestamp: .timestamp(milliseconds: integer(64))
    case .duration:
      .duration(months: Int32(integer(32)), days: Int32(integer(32)), nanoseconds: integer(64))
    case .list(let element), .set(let element): .list((0..<below(4)).map { _ in value(element) })
    case .map(let key, let element):
      .map((0..<below(4)).map { _ in CQLValue.Pair(key: value(key), value: value(element)) })
    case .tuple(let types): .tuple(types.map { below(4) == 0 ? .null : value($0) })
    case .udt(_, _, let fields): .tuple(fields.map { below(4) == 0 ? .null : value($0.type) })
    }
  }
}
