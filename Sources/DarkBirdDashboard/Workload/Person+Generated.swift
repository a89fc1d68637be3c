import Foundation

extension Person {
  /// The person with this number, as the `clubs` workload writes it. The same three numbers give the same person on
  /// every machine; `revision` changes everything but kind, name and age. No two numbers share an email.
  /// - Complexity: about a microsecond, for the strings.
  public init(seed: UInt64, number: Int, revision: UInt64) {
    var identity = SplitMix64(seed: seed, number: UInt64(number), revision: 0)
    var random = SplitMix64(seed: seed, number: UInt64(number), revision: revision &+ 1)
    let isPlayer = identity.next() & 1 == 0
    let culture = identity.pick(PersonNames.cultures)
    let given = identity.pick(culture.given)
    let family = identity.pick(culture.family)
    let age = isPlayer ? 17 + identity.below(22) : 20 + identity.below(46)
    let home = random.pick(isPlayer ? PersonNames.clubs : PersonNames.companies)
    self.init(
      kind: isPlayer ? .player : .developer,
      name: culture.familyFirst ? "\(family.text) \(given.text)" : "\(given.text) \(family.text)",
      email: Self.email("\(given.slug).\(family.slug)\(number)", at: home),
      club: isPlayer ? home.text : nil,
      company: isPlayer ? nil : home.text,
      skills: Self.skills(isPlayer ? PersonNames.playerSkills : PersonNames.developerSkills, &random),
      age: age,
      salary: Self.salary(isPlayer: isPlayer, &random),
      joined: Self.joined(age: age, &random),
      bio: Self.bio(isPlayer ? PersonPhrases.player : PersonPhrases.developer, &random))
  }

  /// The key of the person with this number, such as `u:88123`.
  public static func key(_ number: Int) -> String { "u:\(number)" }

  /// The number in a key; nil for any other key.
  static func number(ofKey key: String) -> Int? { Population.number(ofKey: key, prefix: "u:") }

  /// Moves to another club or company, with the address that goes with it.
  mutating func transfer(to home: PersonNames.Name, on day: Date) {
    switch kind {
    case .player: club = home.text
    case .developer: company = home.text
    }
    email = Self.email(String(email.prefix { $0 != "@" }), at: home)
    joined = day
  }

  /// The day that no generated person has joined after: fixed, so that the same seed gives the same people tomorrow.
  static let today = Date(timeIntervalSince1970: 1_767_225_600)  // 2026-01-01 00:00 UTC

  private static func email(_ local: String, at home: PersonNames.Name) -> String { "\(local)@\(home.slug).example" }

  /// One to five of the skills, none twice.
  private static func skills(_ all: [String], _ random: inout SplitMix64) -> [String] {
    let count = 1 + min(random.below(5), random.below(5))
    var chosen: [String] = []
    chosen.reserveCapacity(count)
    var place = random.below(all.count)
    for _ in 0..<count {
      chosen.append(all[place])
      // 20 skills and at most five steps of 1 to 4: the circle does not close.
      place = (place + 1 + random.below(4)) % all.count
    }
    return chosen
  }

  /// Many earn a little and few earn a lot; in hundreds.
  private static func salary(isPlayer: Bool, _ random: inout SplitMix64) -> Int {
    let unit = random.unit()
    let span = isPlayer ? 9_000_000.0 : 190_000.0
    let curve = isPlayer ? unit * unit * unit * unit : unit * unit
    return (isPlayer ? 18_000 : 32_000) + Int(curve * span) / 100 * 100
  }

  /// A day of the last twenty years, and not before the age of sixteen.
  private static func joined(age: Int, _ random: inout SplitMix64) -> Date {
    today.addingTimeInterval(-86_400 * Double(1 + random.below(365 * min(age - 16, 20))))
  }

  /// One to nine sentences, most often three or four, none twice: 30 to 500 bytes.
  private static func bio(_ own: [String], _ random: inout SplitMix64) -> String {
    let count = 1 + random.below(4) + random.below(4) + (random.below(8) == 0 ? 2 : 0)
    let others = PersonPhrases.anyone
    var (place, otherPlace) = (random.below(own.count), random.below(others.count))
    var text = own[place]
    text.reserveCapacity(count * 56)
    for _ in 1..<count {
      let bits = random.next()
      text += " "
      if bits & 1 == 0 {
        // At most eight steps of 1 or 2 in lists of 16 and more: not once around.
        place = (place + 1 + Int(bits >> 1 & 1)) % own.count
        text += own[place]
      } else {
        text += others[otherPlace]
        otherPlace = (otherPlace + 1 + Int(bits >> 1 & 1)) % others.count
      }
    }
    return text
  }
}
