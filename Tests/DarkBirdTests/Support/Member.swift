import DarkBird

/// The document of most tests: small, with every kind of index, and with fields that may be missing.
struct Member: Document, Hashable {
  var name = ""
  var email: String?
  var badge: Int?
  var club: String?
  var skills: [String] = []
  var age: Int?
  var city: String?
  var score: Double?

  static let schema: IndexSchema<Member> = [
    .unique("email", \.email),
    .unique("badge", \.badge),
    .tag("club", \.club),
    .tag("skills", each: \.skills),
    .tags(computed: "rank") { member in member.age.map { $0 >= 18 ? ["adult"] : ["junior"] } ?? [] },
    .range("age", \.age),
    .range("city", \.city),
    .range("score", \.score),
  ]

  func encode(cbor writer: inout CBORWriter) throws {
    let optionals = [email != nil, badge != nil, club != nil, age != nil, city != nil, score != nil]
    writer.beginMap(count: 2 + optionals.count { $0 })
    writer.write("name")
    writer.write(name)
    writer.write("skills")
    writer.beginArray(count: skills.count)
    for skill in skills { writer.write(skill) }
    for (field, text) in [("email", email), ("club", club), ("city", city)] {
      guard let text else { continue }
      writer.write(field)
      writer.write(text)
    }
    for (field, number) in [("badge", badge), ("age", age)] {
      guard let number else { continue }
      writer.write(field)
      writer.write(number)
    }
    if let score {
      writer.write("score")
      writer.write(score)
    }
  }
}

extension Member {
  init(cbor reader: inout CBORReader) throws {
    for _ in 0..<(try reader.readMapHeader()) {
      switch try reader.readName() {
      case "name": name = try reader.readString()
      case "email": email = try reader.readString()
      case "badge": badge = try reader.readInt()
      case "club": club = try reader.readString()
      case "age": age = try reader.readInt()
      case "city": city = try reader.readString()
      case "score": score = try reader.readDouble()
      case "skills":
        for _ in 0..<(try reader.readArrayHeader()) { skills.append(try reader.readString()) }
      default: try reader.skipValue()
      }
    }
  }
}

extension Member {
  /// The tags that the schema gives, computed without it.
  var tags: Set<String> {
    var tags = Set(skills.map { "skills=" + $0 })
    if let club { tags.insert("club=" + club) }
    if let age { tags.insert(age >= 18 ? "adult" : "junior") }
    return tags
  }

  /// A member of few possible ones, so that unique values collide, tags are shared and ranges have ties.
  static func random(_ generator: inout SeededGenerator, domain: Int) -> Member {
    var member = Member(name: String(repeating: "n", count: generator.below(40)))
    if generator.chance(70) { member.email = "e\(generator.below(domain * 2))" }
    if generator.chance(30) { member.badge = generator.below(domain * 2) }
    if generator.chance(80) { member.club = generator.pick(["Ajax", "PSV", "FC=Twente", ""]) }
    member.skills = (0..<generator.below(4)).map { _ in generator.pick(["swift", "go", "c", "ada", "é"]) }
    if generator.chance(80) { member.age = generator.below(30) - 5 }
    if generator.chance(60) { member.city = generator.pick(["", "Aa", "Oslo", "Zürich", "東京", "aa"]) }
    if generator.chance(60) { member.score = Double(generator.below(40)) / 4 - 2 }
    return member
  }
}
