import DarkBird

/// Updates, puts, and inserts and removals in turn, so that the number of people stays. About one write in a hundred
/// carries an email that another person has.
final class ClubsWriter: WorkloadClient {
  private let store: Store<String, WorkloadDocument>
  private let seed: UInt64
  private let acknowledgement: Acknowledgement?
  private let mix: WorkloadMix
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
    store: Store<String, WorkloadDocument>, options: WorkloadOptions, population: Population, lane: Population.Lane,
    random: SeededGenerator, timer: OperationTimer
  ) {
    self.store = store
    seed = options.seed
    acknowledgement = options.acknowledgement
    mix = options.effectiveMix
    self.lane = lane
    self.timer = timer
    self.random = random
    let distribution = options.effectiveDistribution
    anyone = KeyChooser(distribution, among: population.lanes)
    own = KeyChooser(distribution, among: [lane])
    present = lane.loaded
  }

  func stopWriting() -> Bool { false }

  func perform() throws {
    let dice = random.below(mix.sum(WorkloadMix.Share.clubsWrites))
    if dice < mix[.update], let number = anyone.next(using: &random) {
      try update(number)
    } else if dice < mix[.update] + mix[.put], present <= lane.target, let number = own.next(using: &random) {
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
      _ = try store.update(key, ack: acknowledgement) { document in
        guard var person = document.person else { return }
        change.apply(to: &person)
        if let email { person.email = email }
        document = .person(person)
      }
    }
  }

  /// Only people of the own lane: nobody else removes them, so that none comes back for good.
  private func put(_ number: Int) throws {
    let person = nextPerson(number)
    let key = Person.key(number)
    writtenKey = key
    let old = try timer.measure(.put) { () throws(StoreError) in
      try store.put(.person(person), for: key, ack: acknowledgement)
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
        try store.insert(.person(person), for: key, ack: acknowledgement)
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
    return store[Person.key(other)]?.person?.email
  }
}
