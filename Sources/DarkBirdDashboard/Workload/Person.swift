public import DarkBird
public import Foundation

/// The typed example document: a player of a club or a developer of a company.
///
/// It encodes and decodes itself by hand, which is several times faster than through `Codable`.
public struct Person: Document, Hashable {
  public enum Kind: String, Sendable, Hashable, CaseIterable { case player, developer }

  public var kind: Kind
  public var name: String
  /// Unique.
  public var email: String
  /// Players have a club, developers a company.
  public var club: String?
  public var company: String?
  public var skills: [String]
  public var age: Int
  /// Euros a year.
  public var salary: Int
  public var joined: Date
  public var bio: String

  public init(
    kind: Kind, name: String, email: String, club: String? = nil, company: String? = nil, skills: [String] = [],
    age: Int, salary: Int, joined: Date, bio: String = ""
  ) {
    self.kind = kind
    self.name = name
    self.email = email
    self.club = club
    self.company = company
    self.skills = skills
    self.age = age
    self.salary = salary
    self.joined = joined
    self.bio = bio
  }

  public static let schema: IndexSchema<Person> = [
    .unique("email", \.email),
    .tag("kind", \.kind.rawValue), .tag("club", \.club), .tag("company", \.company), .tag("skills", each: \.skills),
    .range("age", \.age), .range("salary", \.salary), .range("joined", \.joined),
  ]

  public func encode(cbor writer: inout CBORWriter) {
    writer.beginMap(count: 8 + (club == nil ? 0 : 1) + (company == nil ? 0 : 1))
    writer.write("kind")
    writer.write(kind.rawValue)
    writer.write("name")
    writer.write(name)
    writer.write("email")
    writer.write(email)
    if let club {
      writer.write("club")
      writer.write(club)
    }
    if let company {
      writer.write("company")
      writer.write(company)
    }
    writer.write("skills")
    writer.beginArray(count: skills.count)
    for skill in skills { writer.write(skill) }
    writer.write("age")
    writer.write(age)
    writer.write("salary")
    writer.write(salary)
    writer.write("joined")
    writer.write(joined)
    writer.write("bio")
    writer.write(bio)
  }

  /// - Throws: `CBORError` if a field has another type, or if `kind` or `email` is missing. Fields that are unknown here
  ///   are passed over.
  public init(cbor reader: inout CBORReader) throws {
    var kind: Kind?
    var email: String?
    self.init(kind: .player, name: "", email: "", age: 0, salary: 0, joined: Date(timeIntervalSince1970: 0))
    for _ in 0..<(try reader.readMapHeader()) {
      switch try reader.readName() {
      case "kind":
        let start = reader.offset
        let text = try reader.readString()
        kind = Kind(rawValue: text)
        if kind == nil { throw CBORError(offset: start, reason: "no kind of person is called '\(text)'") }
      case "name": name = try reader.readString()
      case "email": email = try reader.readString()
      case "club": club = try reader.readString()
      case "company": company = try reader.readString()
      case "skills":
        for _ in 0..<(try reader.readArrayHeader()) { skills.append(try reader.readString()) }
      case "age": age = try reader.readInt()
      case "salary": salary = try reader.readInt()
      case "joined": joined = try reader.readDate()
      case "bio": bio = try reader.readString()
      default: try reader.skipValue()
      }
    }
    guard let kind, let email else {
      throw CBORError(offset: reader.offset, reason: "a person needs the fields kind and email")
    }
    self.kind = kind
    self.email = email
  }
}
