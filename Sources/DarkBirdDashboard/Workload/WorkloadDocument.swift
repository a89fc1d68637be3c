public import DarkBird

/// What the workload keeps in a store: people for `clubs`, records for the presets of YCSB. One store can hold both, so
/// that the preset can change while the store is open.
///
/// Indirect: a person has a dozen references, and copies of documents, for readers and for subscribers, cost one each.
public indirect enum WorkloadDocument: Document, Hashable {
  case person(Person)
  case record(YCSBRecord)

  /// nil for a record; setting makes it a person.
  public var person: Person? {
    get { if case .person(let person) = self { person } else { nil } }
    set { if let newValue { self = .person(newValue) } }
  }

  /// The indexes of `Person`; records have none.
  public static let schema: IndexSchema<WorkloadDocument> = [
    .unique("email") { if case .person(let person) = $0 { person.email } else { nil } },
    .tag("kind") { if case .person(let person) = $0 { person.kind.rawValue } else { nil } },
    .tag("club") { if case .person(let person) = $0 { person.club } else { nil } },
    .tag("company") { if case .person(let person) = $0 { person.company } else { nil } },
    .tag("skills", each: { if case .person(let person) = $0 { person.skills } else { nil } }),
    .range("age") { if case .person(let person) = $0 { person.age } else { nil } },
    .range("salary") { if case .person(let person) = $0 { person.salary } else { nil } },
    .range("joined") { if case .person(let person) = $0 { person.joined } else { nil } },
  ]

  public func encode(cbor writer: inout CBORWriter) {
    switch self {
    case .person(let person): person.encode(cbor: &writer)
    case .record(let record): record.encode(cbor: &writer)
    }
  }

  /// - Throws: `CBORError` if the bytes are neither of the two. A map whose first field is `field0` is a record.
  public init(cbor reader: inout CBORReader) throws {
    var ahead = reader
    let isRecord = try ahead.readMapHeader() > 0 && ahead.readName() == "field0"
    self = isRecord ? .record(try YCSBRecord(cbor: &reader)) : .person(try Person(cbor: &reader))
  }
}
