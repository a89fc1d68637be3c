import DarkBird
import Foundation

// A directory that is gone at the end; a real program names its own.
let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-example-\(UUID())").path
defer { try? FileManager.default.removeItem(atPath: directory) }
let season = Date(timeIntervalSince1970: 1_720_000_000)

func showPlayers() throws {
  print("== players")
  var configuration = StoreConfiguration.disk(at: directory)
  configuration.pageCapacity = .records(1_000)
  configuration.acknowledgement = .synced  // every write waits until a power loss cannot undo it
  let store = try Store<Int, Player>(configuration)
  let events = store.events()

  let ada = Player(name: "Ada", email: "ada@ajax.nl", club: "Ajax", age: 34, joined: season, isCaptain: true)
  let ben = Player(name: "Ben", email: "ben@ajax.nl", club: "Ajax", age: 21, joined: season + 86_400)
  try store.put(ada, for: 1)
  try store.insert(ben, for: 2)

  // A unique value has one owner; a refused write changes nothing.
  do {
    try store.put(Player(name: "Bob", email: "ben@ajax.nl", club: "PSV", age: 19, joined: season), for: 3)
  } catch {
    // Not `catch StoreError.duplicate(…)`: here Swift 6.3.1 crashes on a pattern that does not catch everything.
    guard case .duplicate(let index, let value, let owner) = error else { throw error }
    print("refused: \(index) \(value) belongs to \(owner)")
  }

  // Read, change and write in one step: no other writer comes in between.
  try store.update(2) { $0.age += 1 }

  print("ben@ajax.nl is", try store.document(unique: "email", "ben@ajax.nl")?.document.name ?? "nobody")
  print("in Ajax:", try store.documents(tagged: "club=Ajax", limit: 10).documents.map(\.document.name).sorted())
  print("captains:", try store.documents(tagged: "captain", limit: 10).documents.map(\.document.name))
  let twenties = try store.documents(where: "age", in: .halfOpen(20, 30), order: .descending, limit: 10)
  print("in their twenties:", twenties.documents.map { "\($0.document.name) (\($0.document.age))" })

  // Events come in the order of the log, with what was there before.
  for event in events.drain(limit: 10) {
    switch event {
    case .put(let key, let old, let new, let lsn, _):
      print("event \(lsn): \(key) is \(new.name), \(new.age)\(old.map { ", was \($0.age)" } ?? "")")
    case .removed(let key, _, let lsn, _): print("event \(lsn): \(key) is gone")
    default: print("event: \(event)")
    }
  }
  events.cancel()
  try store.close()

  // The next process finds what this one wrote, with another page size too.
  let reopened = try Store<Int, Player>(.disk(at: directory))
  print("after opening again:", reopened.count, "players; Ada is the same:", reopened[1] == ada)
  try reopened.close()
}

func showDevelopers() throws {
  print("== developers")
  let store = try Store<UUID, Developer>(.memory)  // no file is touched
  for (name, company, skills, salary) in [
    ("Chen", "Acme", ["swift", "sql"], 5_200.50), ("Dora", nil, ["swift"], nil), ("Emil", "Acme", ["c"], 4_100),
  ] as [(String, String?, [String], Double?)] {
    let developer = Developer(
      name: name, email: "\(name.lowercased())@example.org", company: company, skills: skills, salary: salary)
    try store.put(developer, for: UUID())
  }
  let both = Query(allTags: ["company=Acme", "skills=swift"])
  print("at Acme, with Swift:", try store.documents(both).documents.map(\.document.name))
  print("with Swift:", try store.count(Query(allTags: ["skills=swift"])))
  print("above 4,500:", try store.documents(where: "salary", in: .greater(than: 4_500)).documents.map(\.document.name))
  print("every index equals a rebuild:", store.audit().isClean)
  try store.close()
}

try showPlayers()
try showDevelopers()
