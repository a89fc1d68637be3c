import DarkBird
import Foundation
import Testing

@testable import DarkBirdDashboard

extension WorkloadTests {
  @Suite struct PersonTests {
    private func encoded(_ document: some Document) throws -> [UInt8] {
      var writer = CBORWriter()
      try document.encode(cbor: &writer)
      return writer.bytes
    }

    @Test func aPersonReadsBackWhatItWrote() throws {
      for number in 0..<2_000 {
        let person = Person(seed: 1, number: number, revision: UInt64(number % 3))
        #expect(try CBORReader.read(encoded(person)) { try Person(cbor: &$0) } == person)
      }
      var nobody = Person(kind: .developer, name: "", email: "", age: -1, salary: .max, joined: .distantPast)
      nobody.skills = []
      #expect(try CBORReader.read(encoded(nobody)) { try Person(cbor: &$0) } == nobody)
    }

    @Test func aPersonIsAMapOfItsIndexedFieldsForOtherTools() throws {
      let person = Person(seed: 1, number: 5, revision: 0)
      let record = try CBORReader.read(encoded(person)) { try Record(cbor: &$0) }
      #expect(record["email"] == .string(person.email))
      #expect(record["skills"] == .array(person.skills.map { .string($0) }))
      #expect(record["joined"] == .date(person.joined))
      #expect(record["age"] == .int(Int64(person.age)))
      #expect(record["club"] == person.club.map { .string($0) })
      #expect(record["company"] == person.company.map { .string($0) })
    }

    @Test func fieldsOfALaterVersionArePassedOver() throws {
      let record: Record = ["kind": "player", "shoe": ["size": 44, "tags": [1, 2]], "email": "a@b"]
      let person = try CBORReader.read(encoded(record)) { try Person(cbor: &$0) }
      #expect(person.email == "a@b")
      #expect(person.name == "")
    }

    @Test(arguments: [
      ["email": "a@b"] as Record, ["kind": "player"], ["kind": "referee", "email": "a@b"],
      ["kind": "player", "email": 7], [:],
    ])
    func whatIsNoPersonIsRefused(_ record: Record) throws {
      let bytes = try encoded(record)
      #expect(throws: CBORError.self) { try CBORReader.read(bytes) { try Person(cbor: &$0) } }
    }

    @Test func everyTruncationIsRefused() throws {
      let bytes = try encoded(Person(seed: 1, number: 3, revision: 0))
      for length in 0..<bytes.count {
        #expect(throws: CBORError.self) { try CBORReader.read(Array(bytes[..<length])) { try Person(cbor: &$0) } }
      }
    }

    @Test func seedNumberAndRevisionDecideEverything() {
      let person = Person(seed: 1, number: 88_123, revision: 0)
      #expect(person == Person(seed: 1, number: 88_123, revision: 0))
      #expect(person.name == "黄 洋")
      #expect(person.email == "yang.huang88123@clockwork-orchard.example")
      #expect(person.bio == "Measures first, and then measures again.")
      let later = Person(seed: 1, number: 88_123, revision: 1)
      #expect((later.name, later.kind, later.age) == (person.name, person.kind, person.age))
      #expect(later != person)
      #expect(Person(seed: 2, number: 88_123, revision: 0).email != person.email)
    }

    @Test func noTwoNumbersShareAnEmailWhateverTheirRevisions() {
      var owners: [String: Int] = [:]
      for number in 0..<20_000 {
        for revision in 0..<3 as Range<UInt64> {
          let email = Person(seed: 1, number: number, revision: revision).email
          #expect(owners.updateValue(number, forKey: email) ?? number == number, "\(email)")
        }
      }
    }

    @Test func peopleAreVariedAndPlausible() {
      let people = (0..<20_000).map { Person(seed: 1, number: $0, revision: 0) }
      #expect(Set(people.compactMap(\.club)).count == 60)
      #expect(Set(people.compactMap(\.company)).count == 60)
      #expect(Set(people.flatMap(\.skills)).count == 40)
      #expect(Set(people.map(\.name)).count > 1_500)
      #expect(people.contains { $0.name.contains("Søren") })
      #expect(people.contains { $0.name.contains("Zoë") })
      #expect(people.contains { $0.name.hasPrefix("李 ") })
      for person in people {
        #expect((person.club == nil) == (person.kind == .developer))
        #expect((person.company == nil) == (person.kind == .player))
        #expect((1...5).contains(person.skills.count) && Set(person.skills).count == person.skills.count)
        #expect((17...66).contains(person.age))
        #expect(person.salary % 100 == 0 && (18_000...9_100_000).contains(person.salary))
        #expect(person.joined < Person.today)
        #expect(person.email.utf8.allSatisfy { $0 > 32 && $0 < 127 }, "\(person.email)")
      }
      let sentences = people.map { $0.bio.split(separator: ". ").count }
      #expect(Set(sentences).count >= 8)
      #expect(people.allSatisfy { Set($0.bio.split(separator: ". ")).count == $0.bio.split(separator: ". ").count })
    }

    @Test func slugsAreUsableInAnAddress() {
      let names =
        PersonNames.clubs + PersonNames.companies + PersonNames.cultures.flatMap(\.given)
        + PersonNames.cultures.flatMap(\.family)
      for name in names {
        #expect(!name.slug.isEmpty)
        #expect(name.slug.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 45 }, "\(name)")
      }
      #expect(Set(PersonNames.clubs.map(\.text)).count == 60)
      #expect(Set(PersonNames.companies.map(\.text)).count == 60)
      #expect(Set(PersonNames.playerSkills + PersonNames.developerSkills).count == 40)
    }

    @Test func changesKeepAPersonPlausible() {
      var random = SeededGenerator(seed: 6)
      for number in 0..<50 {
        var person = Person(seed: 1, number: number, revision: 0)
        for _ in 0..<200 {
          PersonChange(using: &random).apply(to: &person)
          #expect((1...5).contains(person.skills.count) && Set(person.skills).count == person.skills.count)
          #expect((17...66).contains(person.age))
          #expect((18_000...9_000_000).contains(person.salary))
          #expect(person.email.hasPrefix(Person(seed: 1, number: number, revision: 0).email.prefix { $0 != "@" }))
        }
      }
    }

    @Test func aTransferTakesTheEmailAlong() {
      var person = Person(seed: 1, number: 0, revision: 0)
      person.kind = .player
      person.email = "zoe.luna0@old.example"
      person.transfer(to: PersonNames.Name("Real Montaña/real-montana"), on: Person.today)
      #expect(person.email == "zoe.luna0@real-montana.example")
      #expect(person.club == "Real Montaña")
      #expect(person.joined == Person.today)
    }

    @Test func keysHoldTheirNumber() {
      #expect(Person.key(88_123) == "u:88123")
      #expect(Person.number(ofKey: "u:88123") == 88_123)
      #expect(YCSBRecord.number(ofKey: YCSBRecord.key(7)) == 7)
      for key in ["u:", "u:-1", "x:1", "", "u:1x", "user"] {
        #expect(Person.number(ofKey: key) == nil)
        #expect(YCSBRecord.number(ofKey: key) == nil)
      }
    }

    @Test func aRecordOfYCSBHasTenFieldsOfAHundredBytes() throws {
      let record = YCSBRecord(seed: 1, number: 4_711)
      #expect(record.fields.count == 10)
      #expect(record.fields.allSatisfy { $0.utf8.count == 100 })
      #expect(Set(record.fields).count == 10)
      #expect(record == YCSBRecord(seed: 1, number: 4_711))
      #expect(record != YCSBRecord(seed: 1, number: 4_712))
      #expect(try CBORReader.read(encoded(record)) { try YCSBRecord(cbor: &$0) } == record)
      let incomplete: Record = ["field0": "x"]
      let bytes = try encoded(incomplete)
      #expect(throws: CBORError.self) { try CBORReader.read(bytes) { try YCSBRecord(cbor: &$0) } }
    }
  }
}
