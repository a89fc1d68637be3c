import DarkBird

/// Works for a company, or for none: what is nil is not in that index.
struct Developer: Document, Codable, Equatable {
  var name: String
  var email: String
  var company: String?
  var skills: [String]
  var salary: Double?

  static let schema: IndexSchema<Developer> = [
    .unique("email", \.email),
    .tag("company", \.company),
    .tag("skills", each: \.skills),
    .range("salary", \.salary),
  ]
}
