import Testing

@testable import DarkBird

@Suite struct ReloadTests {
  /// More documents than one thread collects at a time, of all kinds of values, in as many shards as are usual and in one.
  @Test(arguments: Effort.choices([1, 64])) func indexesOfManyDocumentsAreWhole(shards: Int) throws {
    let fileSystem = SimulatedFileSystem.forStores()
    var configuration = StoreConfiguration.simulated(.bytes(16 << 20))
    configuration.shardCount = shards
    let count = 20_000
    let store = try MemberStore(configuration, on: fileSystem)
    for number in 0..<count {
      var member = Member(name: "n\(number)")
      member.email = "e\(number)"
      member.badge = number % 3 == 0 ? number : nil
      member.club = "c\(number % 7)"
      member.skills = number % 2 == 0 ? ["swift", "go"] : []
      member.age = number % 90
      member.city = number % 5 == 0 ? nil : "city \(number % 100)"
      member.score = Double(number % 1_000) / 4
      try store.put(member, for: number)
    }
    for number in stride(from: 0, to: count, by: 11) { try store.remove(number) }
    for number in stride(from: 1, to: count, by: 13) { _ = try store.update(number) { $0.age = 100 } }
    let contents = try store.contents()
    try store.close()

    let reloaded = try MemberStore(configuration, on: fileSystem)
    #expect(reloaded.audit().problems == [])
    #expect(try reloaded.contents() == contents)
    #expect(try reloaded.document(unique: "email", "e1")?.document == contents[1])
    #expect(try reloaded.keys(tagged: "club=c3") == Set(contents.filter { $0.value.club == "c3" }.keys))
    try reloaded.close()
  }

  /// Or the log of a store that is emptied again and again would take ever longer to read.
  @Test func whatWasRemovedAtOnceLeavesNoSlots() throws {
    let fileSystem = SimulatedFileSystem.forStores()
    let store = try MemberStore(on: fileSystem)
    for round in 0..<3 {
      for number in 0..<500 { try store.put(Member(email: "e\(number)", club: "Ajax", age: round), for: number) }
      if round == 1 { try store.checkpoint() }
      try store.removeAll()
      if round == 2 { try store.removeAll() }
      for number in 0..<10 { try store.put(Member(email: "f\(number)", club: "PSV", age: round), for: 400 + number) }
    }
    let contents = try store.contents()
    try store.close()
    let reloaded = try MemberStore(on: fileSystem)
    #expect(reloaded.shards.reduce(0) { $0 + $1.contents.pointee.map.slotCount } == 10)
    #expect(try reloaded.contents() == contents)
    #expect(reloaded.audit().problems == [])
    #expect(try reloaded.document(unique: "email", "f3")?.key == 403)
    #expect(try reloaded.documents(tagged: "club=Ajax").documents.isEmpty)
    try reloaded.close()
  }
}
