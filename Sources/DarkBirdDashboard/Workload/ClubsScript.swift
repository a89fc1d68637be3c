import DarkBird

/// Preset `clubs`: writers put, insert, update and remove people, readers look for them by key, email, tag and range.
struct ClubsScript: WorkloadScript {
  let store: Store<String, WorkloadDocument>
  let options: WorkloadOptions

  /// A writer each; all people belong to one lane if nobody writes.
  var laneCount: Int { max(options.writers, 1) }
  var capacity: Int { options.documents }

  func existingNumbers() throws -> [Int] { try store.numbers(Person.number(ofKey:)) }

  func key(_ number: Int) -> String { Person.key(number) }

  func load(_ number: Int) throws {
    let person = Person(seed: options.seed, number: number, revision: 0)
    // Not waited for one by one: `finishLoad` syncs them all.
    try store.insert(.person(person), for: Person.key(number), ack: .memory)
  }

  func finishLoad() throws { try store.sync() }

  func makeClient(_ thread: Int, population: Population, timer: OperationTimer) -> (any WorkloadClient)? {
    let kinds = thread < options.writers ? WorkloadMix.Share.clubsWrites : WorkloadMix.Share.clubsReads
    guard options.effectiveMix.sum(kinds) > 0 else { return nil }
    let random = SeededGenerator(seed: options.seed, stream: UInt64(thread))
    if thread < options.writers {
      return ClubsWriter(
        store: store, options: options, population: population, lane: population.lanes[thread], random: random,
        timer: timer)
    }
    return ClubsReader(store: store, options: options, population: population, random: random, timer: timer)
  }
}
