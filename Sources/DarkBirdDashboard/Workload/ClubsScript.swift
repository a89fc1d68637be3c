import DarkBird
import Foundation

/// Preset `clubs`: writers put, insert, update and remove people, readers look for them by key, email, tag and range.
struct ClubsScript: WorkloadScript {
  let store: Store<String, Person>
  let options: WorkloadOptions

  /// A writer each; all people belong to one lane if nobody writes.
  var laneCount: Int { max(options.writers, 1) }
  var capacity: Int { options.documents }

  func existingNumbers() -> [Int] { store.numbers(Person.number(ofKey:)) }

  func key(_ number: Int) -> String { Person.key(number) }

  func load(_ number: Int, timer: OperationTimer) throws {
    let person = Person(seed: options.seed, number: number, revision: 0)
    let key = Person.key(number)
    // Not waited for one by one: `finishLoad` syncs them all.
    try timer.measure(.insert) { () throws(StoreError) in try store.insert(person, for: key, ack: .memory) }
  }

  func finishLoad() throws { try store.sync() }

  func makeClient(_ thread: Int, population: Population, timer: OperationTimer) -> any WorkloadClient {
    let random = SeededGenerator(seed: options.seed, stream: UInt64(thread))
    if thread < options.writers {
      return ClubsWriter(
        store: store, options: options, population: population, lane: population.lanes[thread], random: random,
        timer: timer)
    }
    return ClubsReader(store: store, options: options, population: population, random: random, timer: timer)
  }
}

/// 45 % updates, 35 % puts, 20 % inserts and removals in turn, so that the number of people stays. About one write in a
/// hundred carries an email that another person has.
final class ClubsWriter: WorkloadClient {
  private let store: Store<String, Person>
  private let seed: UInt64
  private let acknowledgement: Acknowledgement?
  private let lane: Population.Lane
  private let timer: OperationTimer
  private var random: SeededGenerator
  private var anyone: KeyChooser
  private var own: KeyChooser
  /// Documents in the lane: it differs from the lane's length where a reopened store has gaps.
  private var present: Int
  private var revision: UInt64 = 0
  private(set) var writtenKey = ""

  init(
    store: Store<String, Person>, options: WorkloadOptions, population: Population, lane: Population.Lane,
    random: SeededGenerator, timer: OperationTimer
  ) {
    self.store = store
    seed = options.seed
    acknowledgement = options.acknowledgement
    self.lane = lane
    self.timer = timer
    self.random = random
    let distribution = options.distribution ?? options.preset.distribution
    anyone = KeyChooser(distribution, among: population.lanes)
    own = KeyChooser(distribution, among: [lane])
    present = lane.loaded
  }

  func stopWriting() -> Bool { false }

  func perform() throws {
    let dice = random.below(100)
    if dice < 45, let number = anyone.next(using: &random) {
      try update(number)
    } else if dice < 80, present <= lane.target, let number = own.next(using: &random) {
      // Where a reopened store has a gap, a put adds a document; then one has to go first.
      try put(number)
    } else if present < lane.target || lane.count == 0 {
      try insert()
    } else {
      try remove()
    }
  }

  private func update(_ number: Int) throws {
    let change = PersonChange(using: &random)
    let email = takenEmail(except: number)
    let key = Person.key(number)
    writtenKey = key
    try timer.measure(.update) {
      _ = try store.update(key, ack: acknowledgement) { person in
        change.apply(to: &person)
        if let email { person.email = email }
      }
    }
  }

  /// Only people of the own lane: nobody else removes them, so that none comes back for good.
  private func put(_ number: Int) throws {
    let person = nextPerson(number)
    let key = Person.key(number)
    writtenKey = key
    let old = try timer.measure(.put) { () throws(StoreError) in
      try store.put(person, for: key, ack: acknowledgement)
    }
    if old == nil { present += 1 }
  }

  private func insert() throws {
    let number = lane.number(lane.end)
    let person = nextPerson(number)
    let key = Person.key(number)
    writtenKey = key
    do {
      try timer.measure(.insert) { () throws(StoreError) in
        try store.insert(person, for: key, ack: acknowledgement)
      }
    } catch .keyExists {
      // Left by an earlier run. It is as good as a new one.
    }
    present += 1
    lane.advanceEnd()
  }

  private func remove() throws {
    let key = Person.key(lane.number(lane.first))
    writtenKey = key
    let old = try timer.measure(.remove) { () throws(StoreError) in try store.remove(key, ack: acknowledgement) }
    if old != nil { present -= 1 }
    lane.advanceFirst()
    if lane.count == 0 { present = 0 }
  }

  private func nextPerson(_ number: Int) -> Person {
    revision += 1
    var person = Person(seed: seed, number: number, revision: revision)
    if let email = takenEmail(except: number) { person.email = email }
    return person
  }

  /// Now and then, the email of somebody else.
  private func takenEmail(except number: Int) -> String? {
    guard random.below(90) == 0, let other = anyone.next(using: &random), other != number else { return nil }
    return store[Person.key(other)]?.email
  }
}

/// 70 % lookups by key, 12 % by email, 10 % by tag and 8 % by range, 50 documents at most.
final class ClubsReader: WorkloadClient {
  private static let pageDocuments = 50
  private static let rememberedEmails = 256
  private static let tags =
    PersonNames.clubs.map { "club=\($0.text)" } + PersonNames.companies.map { "company=\($0.text)" }
    + (PersonNames.playerSkills + PersonNames.developerSkills).map { "skills=\($0)" }

  private let store: Store<String, Person>
  private let timer: OperationTimer
  private var random: SeededGenerator
  private var anyone: KeyChooser
  /// Emails of people who were met before: they are looked for again.
  private var emails: [String] = []
  let writtenKey = ""

  init(
    store: Store<String, Person>, options: WorkloadOptions, population: Population, random: SeededGenerator,
    timer: OperationTimer
  ) {
    self.store = store
    self.timer = timer
    self.random = random
    anyone = KeyChooser(options.distribution ?? options.preset.distribution, among: population.lanes)
  }

  func stopWriting() -> Bool { true }

  func perform() throws {
    let dice = random.below(100)
    if dice < 12, !emails.isEmpty {
      let email = random.pick(emails)
      _ = try timer.measure(.unique) { () throws(StoreError) in try store.document(unique: "email", email) }
    } else if dice < 82 {
      get()
    } else if dice < 92 {
      let tag = random.pick(Self.tags)
      _ = try timer.measure(.tag) { () throws(StoreError) in
        try store.documents(tagged: tag, limit: Self.pageDocuments)
      }
    } else {
      try range()
    }
  }

  private func get() {
    // An empty store is asked for somebody who is not there.
    let key = Person.key(anyone.next(using: &random) ?? 0)
    guard let person = timer.measure(.get, { store[key] }) else { return }
    if emails.count < Self.rememberedEmails {
      emails.append(person.email)
    } else if random.below(4) == 0 {
      emails[random.below(emails.count)] = person.email
    }
  }

  private func range() throws {
    let field: String
    let range: IndexRange
    switch random.below(3) {
    case 0:
      let age = 17 + random.below(45)
      (field, range) = ("age", .closed(age, age + 3))
    case 1:
      let salary = 20_000 + random.below(200_000)
      (field, range) = ("salary", .halfOpen(salary, salary + salary / 20))
    default:
      let day = PersonChange.day(using: &random)
      (field, range) = ("joined", .halfOpen(day, day.addingTimeInterval(30 * 86_400)))
    }
    let order: Query.Order = random.below(2) == 0 ? .ascending : .descending
    _ = try timer.measure(.range) { () throws(StoreError) in
      try store.documents(where: field, in: range, order: order, limit: Self.pageDocuments)
    }
  }
}
