import DarkBird
import DarkBirdDashboard
import Foundation
import Synchronization
import Testing

@testable import DarkBirdCLI
@testable import DarkBirdPostgres

/// The jobs that the command line gives to the dashboard.
@Suite(.timeLimit(.minutes(30))) struct JobTests {
  private let directory: TemporaryDirectory
  private let database: Database

  init() throws {
    directory = try TemporaryDirectory()
    database = try Database()
  }

  private func store(_ count: Int) throws -> RecordStore {
    let store = try RecordStore(.disk(at: directory("store")))
    try store.batch { batch in
      for number in 0..<count { batch.put(["n": .int(Int64(number))], for: .int(Int64(number))) }
    }
    return store
  }

  private func job(_ name: String, of store: RecordStore) throws -> DashboardJob {
    try #require(DashboardJob.databases(of: store).first { $0.name == name })
  }

  private func rows() throws -> [String] { try database.run("SELECT count(*) FROM documents") }

  @Test func aCopyThatWasCancelledGoesOn() throws {
    let store = try store(12_000)
    let copy = try job("copy-to", of: store)
    do {
      _ = try copy.body([database.url, "documents"]) { $0.documents < 5_000 }
      Issue.record("it was not cancelled")
    } catch let cancelled as DashboardJob.Cancelled {
      #expect(cancelled.remains == "what went over stays, and the next copy goes on from there")
    }
    // Whole transactions.
    #expect(try rows() == ["5000"])
    let last = Mutex(DashboardJob.Progress())
    let result = try copy.body([database.url, "documents"]) { progress in
      last.withLock { $0 = progress }
      return true
    }
    #expect(result == "copied 12,000: 7,000 written, 0 removed" && last.withLock { $0.total } == 12_000)
    #expect(try rows() == ["12000"])
    try store.close()
  }

  @Test func aMirrorFollowsUntilItIsCancelled() throws {
    let store = try store(3)
    let mirror = try job("mirror-to", of: store)
    do {
      _ = try mirror.body([database.url, "documents"]) { progress in
        guard progress.note == "equal" else { return true }
        if store.count == 3 {
          #expect(throws: Never.self) { try store.put(["n": 4], for: 4) }
          return true
        }
        return (try? rows()) != ["4"]
      }
      Issue.record("it was not cancelled")
    } catch let cancelled as DashboardJob.Cancelled {
      #expect(cancelled.remains == "4 changes went over, up to LSN 2")
    }
    #expect(try rows() == ["4"])
    try store.close()
    // Without a log there is nothing to follow.
    #expect(DashboardJob.databases(of: try RecordStore(.memory)).map(\.name) == ["copy-to"])
  }

  @Test func aTableIsLoadedIntoTheStore() throws {
    let store = try store(3)
    let load = DashboardJob.loading(into: store)
    try database.run(
      """
      CREATE TABLE players (id int PRIMARY KEY, name text, born int);
      INSERT INTO players SELECT n, 'p' || n, 1990 + n FROM generate_series(2, 2001) AS n;
      INSERT INTO players VALUES (-1, 'no', 1980)
      """)
    let answers = [database.url, "players", "born > 1985", ""]
    #expect(load.confirmation == "Put these rows into the store?")
    do {
      _ = try load.body(answers) { $0.documents < 256 }
      Issue.record("it was not cancelled")
    } catch let cancelled as DashboardJob.Cancelled {
      #expect(
        cancelled.remains
          == "loaded 256, refused 0 (1 of them replaced a document with the same key); that stays")
    }
    #expect(
      try load.body(answers) { _ in true }
        == "loaded 2000, refused 0 (256 of them replaced a document with the same key)")
    #expect(store.count == 2_002 && store[2] == ["id": 2, "name": "p2", "born": 1992] && store[-1] == nil)
    #expect(store.statistics().durableLSN == store.statistics().memoryLSN)
    // Under other columns; the first row that is refused is named.
    try database.run("UPDATE players SET name = NULL WHERE id = 7")
    let refused = #expect(throws: Failure.self) {
      try load.body([database.url, "players", "born < 2000", "name, born"]) { _ in true }
    }
    let named = refused?.description ?? ""
    #expect(named.hasPrefix("players: loaded 8, refused 1; the first: row "), "\(named)")
    #expect(named.hasSuffix("the key 'name' is NULL"), "\(named)")
    #expect(store[.array(["p2", 1992])] != nil)
    #expect(throws: Failure.self) { try load.body([database.url, "nowhere", "", ""]) { _ in true } }
    try store.close()
  }

  @Test func aFailureIsOneLineWithoutPasswords() throws {
    let store = try store(1)
    let copy = try job("copy-to", of: store)
    func failure(_ url: String) -> String {
      do {
        return try copy.body([url, "documents"]) { _ in true }
      } catch {
        return "\(error)"
      }
    }
    let secret = "postgres://ada:falsch@host/club"
    #expect(failure(secret).hasPrefix("the address: a password in the address could be read"))
    #expect(!failure(secret).contains("falsch") && !copy.subject([secret, "documents"]).contains("falsch"))
    #expect(copy.subject(["postgres://ada:a@b falsch@host/club", "documents"]) == "postgres://ada:…@host/club")
    let nobody = failure("postgres://ada@127.0.0.1:1/club")
    #expect(nobody.hasPrefix("postgres://ada@127.0.0.1:1/club: ") && !nobody.contains("\n"), "\(nobody)")
    #expect(failure("club").hasPrefix("the address: not an address of the form postgres://"))
    try store.close()
  }

  @Test func anImportTellsWhatItRefused() throws {
    let store = try store(0)
    let job = DashboardJob.importing(into: store)
    let file = try directory.file("in.ndjson", "{\"id\":1}\n{\"no\":2}\n{\"id\":3}\n")
    // What came in stays, and the job has not done what it was to do.
    let refused = #expect(throws: Failure.self) { try job.body([file, "id"]) { $0.share != nil } }
    #expect(
      refused?.description
        == "\(file): imported 2, rejected 1; the first: \(file):2: no field 'id', which is the key")
    #expect(store.count == 2 && store.statistics().durableLSN == 2)
    #expect(store[.int(3)] != nil)
    for path in ["-", "/dev/null", "/no/such/file"] {
      #expect(throws: Failure.self, "\(path)") { try job.body([path, "id"]) { _ in true } }
    }
    do {
      _ = try job.body([file, "id"]) { _ in false }
      Issue.record("it was not cancelled")
    } catch let cancelled as DashboardJob.Cancelled {
      #expect(
        cancelled.remains == "imported 1, rejected 0 (1 of them replaced a document with the same key); that stays")
    }
    try store.close()
  }
}
