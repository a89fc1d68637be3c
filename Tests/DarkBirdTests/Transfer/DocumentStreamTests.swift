import Testing

@testable import DarkBird

/// Documents that go to a sink of one's own, and come from a source.
@Suite struct DocumentStreamTests {
  private struct Failed: Error {}

  private struct Sink: DocumentSink {
    var calls: [String] = []
    var documents: [Value: Record] = [:]
    var failsAt: Int?
    /// What happens meanwhile.
    var onWrite: (Int) throws -> Void = { _ in }

    mutating func begin() { calls.append("begin") }
    mutating func write(key: Value, _ document: Record) throws {
      if documents.count == failsAt { throw Failed() }
      documents[key] = document
      try onWrite(documents.count)
    }
    mutating func finish() { calls.append("finish") }
  }

  private struct Source: DocumentSource {
    var rest: [Result<(Value, Record), RefusedDocument>]

    mutating func next() throws -> (key: Value, document: Record)? {
      if rest.isEmpty { return nil }
      let (key, document) = try rest.removeFirst().get()
      return (key, document)
    }
  }

  private func makeStore(_ count: Int) throws -> MemberStore {
    let store = try MemberStore()
    for key in 0..<count { try store.put(Member(name: "n\(key)", age: key), for: key) }
    return store
  }

  @Test func copyIsOfOneMomentThoughOthersWrite() throws {
    let store = try makeStore(3_000)
    var sink = Sink()
    sink.onWrite = { number in
      if number == 1 { for key in 0..<3_000 { try store.put(Member(name: "later"), for: key) } }
      if number == 100 { try store.removeAll() }
    }
    let copied = try store.copy(to: sink)
    #expect(copied.calls == ["begin", "finish"] && copied.documents.count == 3_000)
    for key in 0..<3_000 {
      let document = copied.documents[.int(Int64(key))]
      #expect(document?["name"] == .string("n\(key)") && document?["age"] == .int(Int64(key)))
    }
    #expect(store.count == 0)
  }

  /// What was begun and fails is not finished, and says so.
  @Test func copyThatFailsIsNotFinished() throws {
    let store = try makeStore(3_000)
    let finished = Counter()
    struct Counting: DocumentSink {
      var inner = Sink()
      let finished: Counter
      mutating func write(key: Value, _ document: Record) throws { try inner.write(key: key, document) }
      mutating func finish() { finished.next() }
    }
    var sink = Counting(finished: finished)
    sink.inner.failsAt = 7
    #expect(throws: Failed.self) { try store.copy(to: sink) }
    var calls = 0
    let given = storeError {
      try store.copy(to: Counting(finished: finished)) { progress in
        calls += 1
        #expect(progress.documents == 1_024 * calls && progress.total == 3_000)
        return calls < 2
      }
    }
    #expect(given == .cancelled && calls == 2 && finished.value == 0)
    try store.copy(to: Counting(finished: finished))
    #expect(finished.value == 1)
  }

  @Test func loadTakesWhatItCanAndReportsTheRest() throws {
    let disk = SimulatedFileSystem.forStores()
    let store = try MemberStore(on: disk)
    try store.put(Member(name: "old"), for: 1)
    let source = Source(rest: [
      .success((.int(1), ["name": "new", "skills": [], "email": "a"])),
      .failure(RefusedDocument(place: "row 2", reason: "torn")),
      .success((.int(2), ["name": "second", "skills": [], "email": "a"])),
      .success((.string("three"), ["name": "third", "skills": []])),
      .success((.int(4), ["name": "fourth", "skills": []])),
    ])
    var refused: [RefusedDocument] = []
    let report = try store.load(from: source, refusal: { refused.append($0) })
    #expect(report.loaded == 2 && report.replaced == 1 && report.refused == 3)
    #expect(refused.map(\.place) == ["row 2", "document 2", "document three"])
    #expect(refused[1].reason == "email a is taken by document 1")
    // Durable when it returns.
    let survivor = try MemberStore(on: disk.crashImage(seed: 3))
    #expect(try survivor.contents() == [1: Member(name: "new", email: "a"), 4: Member(name: "fourth")])
    try survivor.close()
    let many = Source(rest: (0..<1_000).map { .success((.int($0), ["name": "m", "skills": []])) })
    #expect(storeError { try store.load(from: many, progress: { _ in false }) } == .cancelled)
    // What was loaded until then stays.
    #expect(store.count == 256)
    try store.close()
  }
}
