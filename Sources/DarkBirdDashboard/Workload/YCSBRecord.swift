public import DarkBird

/// The document of the Yahoo! Cloud Serving Benchmark: `field0` to `field9` of 100 bytes each, not indexed.
///
/// Cooper, Silberstein, Tam, Ramakrishnan, Sears: "Benchmarking Cloud Serving Systems with YCSB", SoCC 2010.
public struct YCSBRecord: Document, Hashable {
  public static let fieldCount = 10
  /// Bytes in a field that the workload writes, all of them ASCII.
  public static let fieldBytes = 100

  /// The values of `field0`, `field1` and so on: `fieldCount` of them.
  public private(set) var fields: [String]

  /// - Parameter fields: `fieldCount` values.
  public init(fields: [String]) {
    precondition(fields.count == Self.fieldCount, "a record has \(Self.fieldCount) fields")
    self.fields = fields
  }

  /// The record with this number as the workload loads it; the same two numbers give the same record everywhere.
  public init(seed: UInt64, number: Int) {
    var random = SplitMix64(seed: seed, number: UInt64(number), revision: 0)
    fields = (0..<Self.fieldCount).map { _ in Self.value(&random) }
  }

  /// The key of the record with this number, such as `user4711`. YCSB hashes the number to spread its keys; here the
  /// store's shards do that.
  public static func key(_ number: Int) -> String { "user\(number)" }

  /// The number in a key; nil for any other key.
  static func number(ofKey key: String) -> Int? { Population.number(ofKey: key, prefix: "user") }

  public subscript(field: Int) -> String {
    get { fields[field] }
    set { fields[field] = newValue }
  }

  /// A new value of a field.
  static func value(_ random: inout some RandomNumberGenerator) -> String {
    var bytes = [UInt8](repeating: 0, count: fieldBytes)
    // Ten characters of six bits from each random number.
    for start in stride(from: 0, to: fieldBytes, by: 10) {
      var bits = random.next()
      for place in start..<start + 10 {
        // From `0` to `o`.
        bytes[place] = 48 + UInt8(truncatingIfNeeded: bits & 63)
        bits >>= 6
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static let names = (0..<fieldCount).map { "field\($0)" }

  public func encode(cbor writer: inout CBORWriter) {
    writer.beginMap(count: Self.fieldCount)
    for (name, value) in zip(Self.names, fields) {
      writer.write(name)
      writer.write(value)
    }
  }

  /// - Throws: `CBORError` if one of the fields is missing or no text. Fields that are unknown here are passed over.
  public init(cbor reader: inout CBORReader) throws {
    var values = [String?](repeating: nil, count: Self.fieldCount)
    for _ in 0..<(try reader.readMapHeader()) {
      if let place = Self.names.firstIndex(of: try reader.readString()) {
        values[place] = try reader.readString()
      } else {
        try reader.skipValue()
      }
    }
    fields = values.compactMap(\.self)
    if fields.count < Self.fieldCount {
      throw CBORError(offset: reader.offset, reason: "a record needs the fields field0 to field9")
    }
  }
}
