import Testing

@testable import DarkBird

/// A shard whose documents have all the numbers that there are: what is left to it is a slot that has none.
struct FullShardTests {
  private static let shards = 1024
  private static let limit = 1 << 22 - 1
  private let shard = Int(1.storeHash & UInt(shards - 1))
  private var error: StoreError { .tooManyDocuments(shard: shard, limit: Self.limit) }

  private func store(isOnDisk: Bool) throws -> MemberStore {
    var configuration = isOnDisk ? StoreConfiguration.simulated() : .memory
    configuration.shardCount = Self.shards
    return try MemberStore(configuration, on: SimulatedFileSystem.forStores())
  }

  private func fill(_ shards: ShardTable<Int, Member>) {
    shards[shard].withLock { $0.freeSlots = [UInt32(Self.limit)] }
  }

  @Test(arguments: [true, false]) func newDocumentIsRefusedAndNothingElseChanges(isOnDisk: Bool) throws {
    let store = try store(isOnDisk: isOnDisk)
    let other = (2...).first { Int($0.storeHash & UInt(Self.shards - 1)) != shard } ?? 0
    let events = store.events()
    fill(store.shards)
    #expect(throws: error) { try store.put(Member(email: "a@example.org"), for: 1) }
    #expect(throws: error) { try store.insert(Member(), for: 1) }
    #expect(throws: error) {
      try store.batch { batch in
        batch.put(Member(), for: other)
        batch.put(Member(), for: 1)
      }
    }
    #expect(try store.remove(1) == nil)
    #expect(store.count == 0 && store.memoryLSN == 0 && events.drain().isEmpty)
    #expect(store.statistics().operations.refusals == 3)
    try store.put(Member(email: "a@example.org"), for: other)

    // With room again it takes documents, and those that it has may change when there is none.
    store.shards[shard].withLock { $0.freeSlots = [] }
    try store.put(Member(), for: 1)
    fill(store.shards)
    try store.put(Member(email: "b@example.org"), for: 1)
    try store.batch { $0.put(Member(email: "c@example.org"), for: 1) }
    #expect(store[1]?.email == "c@example.org")
    #expect(store.audit().problems.isEmpty)
    try store.close()
  }

  @Test func loadingIsRefused() throws {
    let loader = DocumentLoader<Int, Member>(shardCount: Self.shards, schema: Member.schema)
    fill(loader.shards)
    let record = try EncodedRecord(key: 1, document: Member())
    #expect(throws: error) {
      try record.payload.withUnsafeBytes { bytes in
        try loader.replay(
          LogRecord(
            kind: .put, lsn: 1, durableLSN: 0, key: UnsafeRawBufferPointer(rebasing: bytes[..<record.keyLength]),
            document: UnsafeRawBufferPointer(rebasing: bytes[record.keyLength...])))
        try loader.finish()
      }
    }
  }
}
