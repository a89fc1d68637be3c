@testable import DarkBird

/// Random operations on a store and on the model, which must agree at every step.
struct ModelRun {
  private var generator: SeededGenerator
  private let fileSystem: SimulatedFileSystem?
  private let domain: Int
  private var configuration: StoreConfiguration
  private var store: MemberStore
  private var model = Model()
  private var lsn: UInt64 = 0

  init(seed: Int) throws {
    generator = SeededGenerator(seed: UInt64(seed))
    domain = generator.pick([3, 10, 40])
    fileSystem = generator.chance(50) ? SimulatedFileSystem.forStores() : nil
    configuration = fileSystem == nil ? .memory : .simulated()
    configuration.shardCount = 1 << generator.below(4)
    store = try MemberStore(configuration, schema: Member.schema, fileSystem: fileSystem ?? SimulatedFileSystem())
  }

  mutating func run() throws {
    for _ in 0..<3 + generator.below(3) {
      for _ in 0..<10 + generator.below(30) { try step() }
      try checkWhole()
      if fileSystem != nil {
        if generator.chance(30) { try store.checkpoint() }
        if generator.chance(50) { try reopen() }
      }
    }
    try store.close()
  }

  // MARK: Steps

  private mutating func step() throws {
    let key = generator.below(domain)
    switch generator.below(100) {
    case 0..<30: try put(key)
    case 30..<40: try insert(key)
    case 40..<52: try update(key)
    case 52..<60: try remove(key)
    case 60: try removeAll()
    case 61..<69: try batch()
    case 69..<80: try look(key)
    case 80..<90: try queryRange()
    default: try query()
    }
    try requireEqual(store.memoryLSN, lsn, "LSN after each step")
  }

  private mutating func put(_ key: Int) throws {
    let member = Member.random(&generator, domain: domain)
    if let refusal = model.duplicate(member, for: key) {
      try requireEqual(storeError { try store.put(member, for: key) }, refusal, "put of a duplicate")
      return
    }
    try requireEqual(try store.put(member, for: key), model.documents.updateValue(member, forKey: key), "put \(key)")
    lsn += 1
  }

  private mutating func insert(_ key: Int) throws {
    let member = Member.random(&generator, domain: domain)
    let refusal = model.documents[key] == nil ? model.duplicate(member, for: key) : .keyExists(key: "\(key)")
    try requireEqual(storeError { try store.insert(member, for: key) }, refusal, "insert \(key)")
    if refusal != nil { return }
    model.documents[key] = member
    lsn += 1
  }

  private mutating func update(_ key: Int) throws {
    let next = Member.random(&generator, domain: domain)
    let how = generator.below(4)
    let throwsAnError = generator.chance(10)
    var calls = 0
    func change(_ member: inout Member) throws {
      calls += 1
      switch how {
      case 0: member.age = next.age
      case 1: member.email = next.email
      case 2: member.skills.append("x")
      default: member = next
      }
      if throwsAnError { throw Mismatch("on purpose") }
    }
    guard var expected = model.documents[key] else {
      try requireEqual(try store.update(key, change), nil, "update of nothing")
      return try requireEqual(calls, 0, "calls of the change")
    }
    do { try change(&expected) } catch {
      do {
        try store.update(key, change)
        throw Mismatch("update \(key) swallowed an error")
      } catch let error as Mismatch { return try requireEqual(error.description, "on purpose", "update \(key)") }
    }
    if let refusal = model.duplicate(expected, for: key) {
      return try requireEqual(storeError { try store.update(key, change) }, refusal, "update to a duplicate")
    }
    try requireEqual(try store.update(key, change), expected, "update \(key)")
    model.documents[key] = expected
    lsn += 1
  }

  private mutating func remove(_ key: Int) throws {
    let old = model.documents.removeValue(forKey: key)
    try requireEqual(try store.remove(key), old, "remove \(key)")
    if old != nil { lsn += 1 }
  }

  private mutating func removeAll() throws {
    try requireEqual(try store.removeAll(), model.documents.count, "removeAll")
    model.documents = [:]
    lsn += 1
  }

  private mutating func batch() throws {
    var changes: [(key: Int, member: Member?, needsAbsence: Bool)] = []
    var insertedTwice: Int?
    let throwsAnError = generator.chance(5)
    let before = store.statistics().operations
    let events = store.events()
    let count = generator.below(7)
    func collect(_ batch: inout Batch<Int, Member>) throws {
      for _ in 0..<count {
        let key = generator.below(domain)
        var member: Member? = Member.random(&generator, domain: domain)
        let position = changes.firstIndex { $0.key == key }
        var needsAbsence = position.map { changes[$0].needsAbsence } ?? false
        switch generator.below(3) {
        case 0:
          batch.remove(key)
          member = nil
        case 1:
          batch.insert(member ?? Member(), for: key)
          if position == nil { needsAbsence = true }
          if let position, changes[position].member != nil { insertedTwice = insertedTwice ?? key }
        default: batch.put(member ?? Member(), for: key)
        }
        if let position {
          changes[position] = (key, member, needsAbsence)
        } else {
          changes.append((key, member, needsAbsence))
        }
      }
      if throwsAnError { throw Mismatch("on purpose") }
    }
    var result: Result<UInt64?, any Error> = .success(nil)
    do { result = .success(try store.batch(collect)) } catch { result = .failure(error) }
    let told = events.drain()
    let refusal = insertedTwice.map { .keyExists(key: "\($0)") } ?? model.refusal(of: changes)
    if throwsAnError || refusal != nil {
      guard case .failure(let error) = result else {
        throw Mismatch("batch \(changes) was not refused: \(refusal as Any)")
      }
      if !throwsAnError { try requireEqual(error as? StoreError, refusal, "batch \(changes)") }
      try requireEqual(told.count, 0, "events of a refused batch")
      try requireEqual(store.statistics().operations.writes, before.writes, "writes of a refused batch")
      return
    }
    let effective = changes.filter { $0.member != nil || model.documents[$0.key] != nil }
    if !effective.isEmpty { lsn += 1 }
    try requireEqual(try result.get(), effective.isEmpty ? nil : lsn, "LSN of batch \(changes)")
    try requireEqual(told.count, effective.count, "events of batch \(changes)")
    for (event, change) in zip(told, effective) {
      switch event {
      case .put(let key, let old, let new, let lsn, _):
        try require(
          key == change.key && old == model.documents[key] && new == change.member && lsn == self.lsn, "\(event)")
      case .removed(let key, let old, let lsn, _):
        try require(
          key == change.key && old == model.documents[key] && change.member == nil && lsn == self.lsn, "\(event)")
      default: throw Mismatch("\(event)")
      }
    }
    let after = store.statistics().operations
    try requireEqual(after.batches, before.batches + (effective.isEmpty ? 0 : 1), "batches")
    try requireEqual(after.writes, before.writes + UInt64(effective.count), "writes of batch \(changes)")
    for change in changes { model.documents[change.key] = change.member }
  }

  private mutating func look(_ key: Int) throws {
    let expected = model.documents[key]
    try requireEqual(store[key], expected, "document \(key)")
    try requireEqual(store.withDocument(key) { $0.name }, expected?.name, "name of \(key)")
    try requireEqual(store.stored(key)?.document, expected, "stored \(key)")
    let email = "e\(generator.below(domain * 2))"
    try requireEqual(
      try store.document(unique: "email", email).map { [$0.key] } ?? [],
      Array(model.keys { $0.email == email }), "owner of \(email)")
    let badge = generator.below(domain * 2)
    let found =
      generator.chance(50)
      ? try store.document(unique: "badge", badge)
      : try store.document(unique: "badge", Double(badge))
    try requireEqual(found.map { [$0.key] } ?? [], Array(model.keys { $0.badge == badge }), "owner of badge \(badge)")
    if generator.chance(20) { try lookMany() }
  }

  /// Up to three groups of lookups that wait together, some of them for the same document.
  private mutating func lookMany() throws {
    let keys = (0..<generator.below(40)).map { _ in generator.below(domain) }
    try requireEqual(store.documents(for: keys), keys.map { model.documents[$0] }, "documents \(keys)")
    var visited: [Int] = []
    store.withDocuments(for: keys) { key, _ in visited.append(key) }
    try requireEqual(visited, keys.filter { model.documents[$0] != nil }, "visited of \(keys)")
    let emails = (0..<generator.below(40)).map { _ in "e\(generator.below(domain * 2))" }
    let owners = emails.map { email in model.keys { $0.email == email }.first }
    try requireEqual(
      try store.documents(unique: "email", emails).map { $0?.key }, owners, "owners of \(emails)")
    visited = []
    try store.withDocuments(unique: "email", emails) { key, _ in visited.append(key) }
    try requireEqual(visited, owners.compactMap(\.self), "visited of \(emails)")
  }

  private mutating func queryRange() throws {
    let range = TestRange.random(&generator)
    let order: Query.Order = generator.chance(50) ? .ascending : .descending
    var found: [StoredDocument<Int, Member>] = []
    var cursor: Cursor?
    let limit = generator.pick([1, 2, 5, .max])
    repeat {
      let page = try store.documents(where: range.field, in: range.range, order: order, limit: limit, after: cursor)
      try require(page.documents.count == limit || page.next == nil, "a page is short, but there is more")
      found += page.documents
      cursor = page.next
    } while cursor != nil
    try check(found, model.keys(where: range.matches), "\(range.field) in \(range.range)")
    try checkOrder(found, by: range.field, order)
    let query = Query(ranges: [.init(field: range.field, range: range.range)])
    try requireEqual(try store.count(query), found.count, "count of \(query)")
  }

  private mutating func query() throws {
    let test = TestQuery.random(&generator)
    var found: [StoredDocument<Int, Member>] = []
    var cursor: Cursor?
    let limit = generator.pick([1, 3, 7, .max])
    repeat {
      let page = try store.documents(test.query, limit: limit, after: cursor)
      found += page.documents
      cursor = page.next
    } while cursor != nil
    try check(found, model.keys(where: test.matches), "\(test.query)")
    if let field = test.query.orderBy { try checkOrder(found, by: field, test.query.order) }
    try requireEqual(try store.count(test.query), found.count, "count of \(test.query)")
    try require(try store.explain(test.query).candidates >= found.count, "too few candidates for \(test.query)")
  }

  private func check(_ found: [StoredDocument<Int, Member>], _ keys: Set<Int>, _ what: String) throws {
    try requireEqual(Set(found.map(\.key)), keys, what)
    try requireEqual(found.count, keys.count, "documents found twice by \(what)")
    for stored in found { try requireEqual(stored.document, model.documents[stored.key], "content of \(stored.key)") }
  }

  private func checkOrder(_ found: [StoredDocument<Int, Member>], by field: String, _ order: Query.Order) throws {
    for (left, right) in zip(found, found.dropFirst()) {
      guard let low = left.document.indexValue(of: field), let high = right.document.indexValue(of: field) else {
        throw Mismatch("a document without \(field) in its order")
      }
      try require(order == .ascending ? low <= high : high <= low, "\(low) before \(high) in \(order) order")
    }
  }

  // MARK: The whole store

  private func checkWhole() throws {
    try requireEqual(store.audit().problems, [], "audit")
    try requireEqual(store.count, model.documents.count, "count")
    try requireEqual(try store.contents(), model.documents, "contents")
    let statistics = store.statistics()
    try requireEqual(statistics.documents, model.documents.count, "documents in the statistics")
    for index in statistics.indexes {
      let expected =
        switch index.name {
        case "email": model.documents.values.count { $0.email != nil }
        case "badge": model.documents.values.count { $0.badge != nil }
        case "club": model.documents.values.count { $0.club != nil }
        case "skills": model.documents.values.reduce(0) { $0 + Set($1.skills).count }
        case "rank": model.documents.values.count { $0.age != nil }
        default: model.documents.values.count { $0.indexValue(of: index.name) != nil }
        }
      try requireEqual(index.entries, expected, "entries of \(index.name)")
    }
    for field in ["age", "city", "score"] {
      let values = model.documents.values.compactMap { $0.indexValue(of: field) }
      let found = try store.values(of: field)
      try requireEqual(found?.min, values.min(), "smallest \(field)")
      try requireEqual(found?.max, values.max(), "largest \(field)")
    }
    let clubs = Dictionary(grouping: model.documents.values.compactMap(\.club)) { "club=" + $0 }.mapValues(\.count)
    let tags = try store.tags(of: "club")
    try requireEqual(Dictionary(uniqueKeysWithValues: tags.map { ($0.tag, $0.count) }), clubs, "tags of club")
    try requireEqual(tags.map(\.count), tags.map(\.count).sorted(by: >), "order of the tags")
  }

  private mutating func reopen() throws {
    guard let fileSystem else { return }
    try store.close()
    configuration.pageCapacity = generator.pick([
      .bytes(8 << 10), .bytes(12 << 10), .records(1), .records(7), .records(40),
    ])
    configuration.shardCount = 1 << generator.below(4)
    store = try MemberStore(configuration, on: fileSystem)
    try requireEqual(store.memoryLSN, lsn, "LSN after reopening")
    try checkWhole()
  }
}
