import DarkBird
import DarkBirdDashboard
import Testing

@testable import DarkBirdCLI
@testable import DarkBirdCassandra

/// The jobs that the command line gives to the dashboard, with a keyspace.
@Suite(.timeLimit(.minutes(30))) struct JobTests {
  private let keyspace: Keyspace

  init() throws { keyspace = try Keyspace() }

  private func store(_ numbers: Range<Int64>) throws -> RecordStore {
    let store = try RecordStore()
    for number in numbers { try store.put(["n": .int(number)], for: .int(number)) }
    return store
  }

  @Test func whatWasCopiedIsLoaded() throws {
    let copy = try #require(DashboardJob.databases(of: try store(0..<600)).first { $0.name == "copy-to" })
    #expect(try copy.body([keyspace.url, "players"]) { _ in true } == "copied 600: 600 written, 0 removed")
    let other = try store(599..<602)
    let load = DashboardJob.loading(into: other)
    let answers = [keyspace.url, "players", "", ""]
    #expect(load.confirmation == "Put these rows into the store?")
    #expect(throws: DashboardJob.Cancelled.self) { try load.body(answers) { $0.documents < 256 } }
    // One of them may be among those that it had.
    #expect([258, 259].contains(other.count))
    let result = try load.body(answers) { _ in true }
    #expect(result.hasPrefix("loaded 600, refused 0 ("), "\(result)")
    #expect(other.count == 602)
    for number: Int64 in 0..<602 { #expect(other[.int(number)] == ["n": .int(number)]) }
    let part = try store(0..<0)
    let loaded = try DashboardJob.loading(into: part).body([keyspace.url, "players", "lsn > 590", "key"]) { _ in true }
    #expect(loaded == "loaded 10, refused 0" && part.count == 10)
    #expect(throws: Failure.self) { try load.body([keyspace.url, "nowhere", "", ""]) { _ in true } }
  }
}
