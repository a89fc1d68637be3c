import DarkBird
import Foundation

/// Plays for a club. `Codable` is all that the store needs; the schema says how players are found.
struct Player: Document, Codable, Equatable {
  var name: String
  var email: String
  var club: String
  var age: Int
  var joined: Date
  var isCaptain = false

  static let schema: IndexSchema<Player> = [
    .unique("email", \.email),
    .tag("club", \.club),
    .tags { $0.isCaptain ? ["captain"] : [] },
    .range("age", \.age),
    .range("joined", \.joined),
  ]
}
