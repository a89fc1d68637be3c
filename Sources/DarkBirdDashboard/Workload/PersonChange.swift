import Foundation

/// What an update does to a person. Decided before, so that it can be applied again if the document has changed
/// meanwhile.
enum PersonChange: Sendable {
  /// The salary times so many percent.
  case raise(percent: Int)
  case birthday
  /// Learns something, or forgets it. Numbers a skill of the person's kind.
  case practise(Int)
  /// Numbers a club or a company.
  case transfer(Int, day: Date)

  init(using random: inout some RandomNumberGenerator) {
    switch random.below(100) {
    case ..<40: self = .raise(percent: 90 + random.below(22))
    case ..<60: self = .birthday
    case ..<80: self = .practise(random.below(PersonNames.playerSkills.count))
    default: self = .transfer(random.below(PersonNames.clubs.count), day: Self.day(using: &random))
    }
  }

  func apply(to person: inout Person) {
    let isPlayer = person.kind == .player
    switch self {
    case .raise(let percent):
      person.salary = min(max(person.salary / 100 * percent, 18_000), 9_000_000)
    case .birthday:
      // Somebody young takes the place of those who retire.
      person.age = person.age >= (isPlayer ? 39 : 66) ? (isPlayer ? 17 : 20) : person.age + 1
    case .practise(let number):
      let skills = isPlayer ? PersonNames.playerSkills : PersonNames.developerSkills
      let skill = skills[number % skills.count]
      if let place = person.skills.firstIndex(of: skill) {
        if person.skills.count > 1 { person.skills.remove(at: place) }
      } else {
        if person.skills.count >= 5 { person.skills.removeFirst() }
        person.skills.append(skill)
      }
    case .transfer(let number, let day):
      let homes = isPlayer ? PersonNames.clubs : PersonNames.companies
      person.transfer(to: homes[number % homes.count], on: day)
    }
  }

  /// A day of the last twenty years.
  static func day(using random: inout some RandomNumberGenerator) -> Date {
    Person.today.addingTimeInterval(-86_400 * Double(1 + random.below(7_300)))
  }
}
