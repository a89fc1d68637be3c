import Testing

@testable import DarkBird

/// Stores of which the last reference goes at a bad moment.
@Suite(.timeLimit(.minutes(30)))
struct LifetimeTests {
  /// The writer thread of the log may call for a checkpoint at the moment when the last reference to the store goes: whoever
  /// held it last closes the store, but that must not be the log itself, for which the store would wait.
  @Test func lastReferenceMayGoWhileACheckpointFallsDue() throws {
    var configuration = StoreConfiguration.simulated()
    configuration.checkpointLogBytes = 1
    for round in 0..<200 {
      let disk = SimulatedFileSystem.forStores()
      var store: MemberStore? = try MemberStore(configuration, on: disk)
      // Returns when the sync has been reported, after which the writer sees that a checkpoint is due.
      try store?.put(Member(age: round), for: 1, ack: .synced)
      store = nil
      #expect(eventually(within: 10) { disk.openFileCount == 0 }, "round \(round): the store does not close")
      if disk.openFileCount > 0 { return }
      #expect(try MemberStore(on: disk)[1] == Member(age: round))
    }
  }
}
