import DarkBird
import Foundation

/// Lookups by key, by email, by tag and by range, 50 documents at most.
final class ClubsReader: WorkloadClient {
  private static let pageDocuments = 50
  private static let rememberedEmails = 256
  private static let tags =
    PersonNames.clubs.map { "club=\($0.text)" } + PersonNames.companies.map { "company=\($0.text)" }
    + (PersonNames.playerSkills + PersonNames.developerSkills).map { "skills=\($0)" }

  private let store: Store<String, WorkloadDocument>
  private let timer: OperationTimer
  private let mix: WorkloadMix
  private var random: SeededGenerator
  private var anyone: KeyChooser
  /// Emails of people who were met before: they are looked for again.
  private var emails: [String] = []
  let writtenKey = ""

  init(
    store: Store<String, WorkloadDocument>, options: WorkloadOptions, population: Population, random: SeededGenerator,
    timer: OperationTimer
  ) {
    self.store = store
    self.timer = timer
    mix = options.effectiveMix
    self.random = random
    anyone = KeyChooser(options.effectiveDistribution, among: population.lanes)
  }

  func stopWriting() -> Bool { true }

  func perform() throws {
    let dice = random.below(mix.sum(WorkloadMix.Share.clubsReads))
    if dice < mix[.unique], !emails.isEmpty {
      let email = random.pick(emails)
      _ = try timer.measure(.unique) { () throws(StoreError) in try store.document(unique: "email", email) }
    } else if dice < mix[.unique] + mix[.get] {
      get()
    } else if dice < mix[.unique] + mix[.get] + mix[.tag] {
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
    guard let person = timer.measure(.get, { store[key] })?.person else { return }
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
