import DarkBird
import DarkBirdDashboard
import Foundation

/// A bet that somebody has placed: a type of this program, of which the dashboard knows nothing.
struct Bet: Document, Codable {
  var ticket: String
  var player: String
  var horse: String
  var stake: Double
  var placed: Date

  static let schema: IndexSchema<Bet> = [
    .unique("ticket", \.ticket), .tag("horse", \.horse), .tag("player", \.player), .range("stake", \.stake),
    .range("placed", \.placed),
  ]
}

/// The program's own work goes on while somebody watches its store, browses it, and quits with `q`.
@main
struct Watch {
  static func main() async throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-watch-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let store = try Store<Int, Bet>(.disk(at: directory))

    let business = Task {
      var number = 0
      while !Task.isCancelled {
        for _ in 0..<20 {
          try placeBet(number, in: store)
          number += 1
        }
        // The oldest are paid out.
        if number > 5_000 { for old in number - 5_020..<number - 5_000 { try store.remove(old) } }
        try await Task.sleep(for: .milliseconds(50))
      }
    }

    // The options may be left out. `.load()` reads the user's keys, colours and alerts.
    var options = DashboardOptions(title: "bets")
    options.configuration = try .load()
    // Long work of the program's own, in the dashboard under `J` and by its name.
    options.jobs = [payOut(all: store)]
    let exit = try await Dashboard.run(on: store, options: options)

    business.cancel()
    _ = await business.result
    print("\(exit.rawValue) with \(store.count) bets open")
    try store.close()
  }

  private static func payOut(all store: Store<Int, Bet>) -> DashboardJob {
    DashboardJob(
      "pay-out", "remove all bets on a horse", asking: ["horse"], confirming: "Remove all its bets?"
    ) { answers, progress in
      let bets = try store.documents(tagged: "horse=\(answers[0])").documents
      var paid = 0
      for (number, bet) in bets.enumerated() {
        guard progress(.init(documents: number, total: bets.count)) else {
          throw DashboardJob.Cancelled("\(paid) are paid out")
        }
        // It may have changed since the query.
        if try store.remove(bet.key, if: { $0.horse == answers[0] }) != nil { paid += 1 }
      }
      return "\(paid) bets are paid out"
    }
  }

  private static func placeBet(_ number: Int, in store: Store<Int, Bet>) throws {
    let horses = ["Thunder", "Lightning", "Slowpoke", "Comet", "Old Friend"]
    let bet = Bet(
      ticket: "T-\(number)", player: "player \(number * 7 % 113)", horse: horses[number * number % horses.count],
      stake: Double(number * 37 % 500) + 0.5, placed: Date())
    try store.put(bet, for: number)
  }
}
