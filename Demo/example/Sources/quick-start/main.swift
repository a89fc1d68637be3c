import DarkBird

struct Player: Document, Codable {
  var email: String, club: String, age: Int
  static let schema: IndexSchema<Player> = [.unique("email", \.email), .tag("club", \.club), .range("age", \.age)]
}

let store = try Store<String, Player>(.disk(at: "players"))
try store.put(Player(email: "ada@ajax.nl", club: "Ajax", age: 34), for: "ada")
print(try store.document(unique: "email", "ada@ajax.nl")?.key ?? "nobody")
print(try store.documents(where: "age", in: .closed(30, 39)).documents.map(\.key))
try store.close()
