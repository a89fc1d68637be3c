import DarkBird
import Foundation
import NIOCore
import Synchronization
import Testing

@testable import DarkBirdCassandra

/// Statements to servers that are late, busy, forgetful, broken or gone.
@Suite(.timeLimit(.minutes(30))) struct SessionTests {
  /// Answers as one that has prepared everything: `execute` hands each execution over.
  private static func script(
    _ execute: @escaping @Sendable (CQLRequest, CQLServer.Connection, Int16) throws -> Void
  ) -> CQLServer.Answer {
    let columns = [CQLColumn(keyspace: "club", table: "t", name: "key", type: .bigint)]
    return { request, connection, stream in
      switch request {
      case .startup, .register: connection.send(.ready, stream)
      case .query(let text, _) where text.hasPrefix("USE"):
        connection.send(.result, stream, try Body.setKeyspace("club"))
      case .query(let text, _) where text.contains("system.local"):
        let columns = ["data_center", "partitioner"].map {
          CQLColumn(keyspace: "system", table: "local", name: $0, type: .text)
        }
        connection.send(.result, stream, try Body.rows(columns, [[.text("a"), .text("RandomPartitioner")]]))
      case .query: connection.send(.result, stream, try Body.rows([], []))
      case .prepare(let text):
        connection.send(.result, stream, try Body.prepared(Array(text.utf8), columns, partitionKey: [0]))
      default: try execute(request, connection, stream)
      }
    }
  }

  private static func number(_ request: CQLRequest) -> Int64 {
    guard case .execute(_, let parameters) = request, var value = parameters.values[0] else { return -1 }
    return value.readInteger() ?? -1
  }

  /// Answers with a row that has the number of the request.
  private static func echo(_ request: CQLRequest) throws -> ByteBuffer {
    let column = CQLColumn(keyspace: "club", table: "t", name: "n", type: .bigint)
    return try Body.rows([column], [[.integer(number(request))]])
  }

  private static func number(_ answer: CQLResponse) throws -> Int64 {
    guard case .rows(var rows) = answer, case .integer(let number)? = try rows.next()?.first else { return -1 }
    return number
  }

  private func session(_ server: CQLServer, options: String = "") throws -> CassandraSession {
    try CassandraSession(CassandraAddress(server, options: options))
  }

  // MARK: Many at once

  /// With DARKBIRD_CASSANDRA_REQUESTS=100000, ten times as many.
  @Test func manyRequestsInFlightFindTheirAnswers() throws {
    let count = ProcessInfo.processInfo.environment["DARKBIRD_CASSANDRA_REQUESTS"].flatMap { Int($0) } ?? 10_000
    let inFlight = Mutex((now: 0, most: 0))
    let server = try CQLServer(.unruly(seed: 1)) { request, connection, stream in
      try Self.script { request, connection, stream in
        inFlight.withLock {
          $0.now += 1
          $0.most = max($0.most, $0.now)
        }
        connection.send(.result, stream, try Self.echo(request))
      }(request, connection, stream)
    }
    let session = try session(server)
    var right = 0
    for number in 0..<count {
      try session.submit(Statement("x", [.integer(Int64(number))])) { answer in
        inFlight.withLock { $0.now -= 1 }
        if try Self.number(answer) == number { right += 1 }
      }
    }
    try session.drain()
    #expect(right == count)
    #expect(session.inFlight == 0 && inFlight.withLock { $0.now } == 0)
    #expect(server.accepted.load(ordering: .relaxed) == 1)
  }

  @Test func thousandRequestsAreInFlightAndNotOneMore() throws {
    let held = Mutex<[@Sendable () throws -> Void]>([])
    let most = Mutex(0)
    let server = try CQLServer { request, connection, stream in
      try Self.script { request, connection, stream in
        let waiting = held.withLock { held in
          held.append { connection.send(.result, stream, try Self.echo(request)) }
          most.withLock { $0 = max($0, held.count) }
          return held.count
        }
        // Nobody is answered before a thousand have come, the last 500 at the end.
        if waiting == 1_000 || Self.number(request) == 2_499 {
          let answers = held.withLock { held in
            defer { held = [] }
            return held
          }
          for answer in answers.reversed() { try answer() }
        }
      }(request, connection, stream)
    }
    let session = try session(server)
    var right = 0
    for number in 0..<2_500 {
      try session.submit(Statement("x", [.integer(Int64(number))])) { if try Self.number($0) == number { right += 1 } }
    }
    try session.drain()
    #expect(right == 2_500 && most.withLock { $0 } == 1_000 && session.inFlight == 0)
  }

  @Test func largeRequestsAreFewerAtATime() throws {
    let database = MemoryCassandra()
    let held = Mutex((now: 0, most: 0))
    let server = try CQLServer(.unruly(seed: 7)) { request, connection, stream in
      if case .execute = request {
        held.withLock {
          $0.now += 1
          $0.most = max($0.most, $0.now)
        }
      }
      try database.answer(request, connection, stream)
    }
    let session = try session(server)
    try session.runSchemaChange("CREATE TABLE IF NOT EXISTS t (key bigint PRIMARY KEY, document text)")
    let text = String(repeating: "x", count: 2 << 20)
    for number in 0..<60 as Range<Int64> {
      try session.submit(
        Statement(
          "INSERT INTO t (key, document) VALUES (?, ?) USING TIMESTAMP ?", [.integer(number), .text(text), .integer(1)])
      ) { _ in held.withLock { $0.now -= 1 } }
    }
    try session.drain()
    #expect(held.withLock { $0.most } <= 16 && database.rows("t").count == 60)
  }

  @Test func sessionsLeaveNoConnections() async throws {
    let server = try CQLServer(answer: MemoryCassandra(users: ["ada": "geheim"]).answer)
    for number in 0..<40 {
      let address = try CassandraAddress(server, user: "ada", password: number % 2 == 0 ? "geheim" : "falsch")
      _ = try? CassandraSession(address)
    }
    try await eventually("no connection") { server.openConnections == 0 }
    #expect(server.accepted.load(ordering: .relaxed) == 40)
  }

  // MARK: Failures

  @Test(arguments: Body.failures)
  func everyFailureIsTriedAgainOrToldInOneLine(_ failure: CQLFailure) throws {
    let isWorthAnother: Set<CQLFailure.Code> = [.unavailable, .overloaded, .bootstrapping, .writeTimeout, .readTimeout]
    let failures = Mutex(0)
    let left = Mutex(3)
    let server = try CQLServer { request, connection, stream in
      try Self.script { request, connection, stream in
        if left.withLock({ left in
          left -= 1
          return left >= 0
        }) {
          failures.withLock { $0 += 1 }
          connection.send(.error, stream, try Body.failure(failure))
        } else {
          connection.send(.result, stream, try Self.echo(request))
        }
      }(request, connection, stream)
    }
    let session = try session(server)
    if failure.known == .unprepared || failure.known.map(isWorthAnother.contains) == true {
      #expect(try session.run(Statement("x", [.integer(7)])) != nil)
      #expect(failures.withLock { $0 } == 3)
      // Not for ever.
      left.withLock { $0 = .max }
      failures.withLock { $0 = 0 }
      let error = #expect(throws: DatabaseError.self) { try session.run(Statement("x", [.integer(7)])) }
      #expect(error?.reason == failure.message)
      #expect(failures.withLock { $0 } == 6)
    } else {
      let error = #expect(throws: DatabaseError.self) { try session.run(Statement("x", [.integer(7)])) }
      #expect(error?.code == failure.codeText && error?.reason == failure.message)
      #expect(failures.withLock { $0 } == 1)
    }
    // What has failed takes nothing with it.
    left.withLock { $0 = 0 }
    #expect(try session.run(Statement("x", [.integer(7)]))?.count == 1)
    #expect(session.inFlight == 0)
  }

  /// Whatever piece of an answer comes before the connection ends.
  @Test func connectionsThatEndAtAnyByteAreMadeAgain() throws {
    let length = try CQLFrame.answer(.result, stream: 0, Self.echo(.execute(id: [], Self.seven()))).bytes.count
    for cut in 0..<length {
      let cuts = Mutex(0)
      let server = try CQLServer { request, connection, stream in
        try Self.script { request, connection, stream in
          let frame = CQLFrame.answer(.result, stream: stream, try Self.echo(request))
          if cuts.withLock({ count in
            count += 1
            return count == 1
          }) {
            connection.sendAndClose(frame.bytes.prefix(cut))
          } else {
            connection.send(frame)
          }
        }(request, connection, stream)
      }
      let session = try session(server)
      #expect(try session.run(Statement("x", [.integer(7)]))?.count == 1, "cut after \(cut) bytes")
      #expect(server.accepted.load(ordering: .relaxed) == 2 && session.inFlight == 0)
    }
  }

  private static func seven() -> CQLParameters {
    var parameters = CQLParameters()
    parameters.values = [ByteBuffer(integer: 7 as Int64)]
    return parameters
  }

  /// The same while it says who it is, what it is asked for first, and prepares.
  @Test func connectionsThatEndWhileTheyBeginFailInOneLine() throws {
    for which in 0..<6 {
      for cut in [0, 1, 8, 9, 10] {
        let requests = Mutex(0)
        let server = try CQLServer { request, connection, stream in
          if requests.withLock({ count in
            defer { count += 1 }
            return count % 6 == which
          }) {
            connection.sendAndClose(CQLFrame.answer(.result, stream: stream, Body.void()).bytes.prefix(cut))
          } else {
            try Self.script { try $1.send(.result, $2, Self.echo($0)) }(request, connection, stream)
          }
        }
        if which < 4 {
          let error = #expect(throws: DatabaseError.self) { try session(server) }
          #expect(error?.kind == .unreachable && error?.reason.contains("\n") == false, "\(String(describing: error))")
        } else {
          // What comes after the beginning is done again.
          #expect(try session(server).run(Statement("x", [.integer(7)]))?.count == 1)
        }
      }
    }
  }

  @Test func connectionThatEndsUnderManyRequestsLosesNone() throws {
    let seen = Mutex(0)
    let server = try CQLServer(.unruly(seed: 5)) { request, connection, stream in
      try Self.script { request, connection, stream in
        let number = seen.withLock { seen in
          seen += 1
          return seen
        }
        if number == 700 || number == 2_000 { return connection.sendAndClose([]) }
        connection.send(.result, stream, try Self.echo(request))
      }(request, connection, stream)
    }
    let session = try session(server)
    var right = 0
    for number in 0..<3_000 {
      try session.submit(Statement("x", [.integer(Int64(number))])) { if try Self.number($0) == number { right += 1 } }
    }
    try session.drain()
    #expect(right == 3_000 && server.accepted.load(ordering: .relaxed) == 3 && session.inFlight == 0)
  }

  @Test func answerThatNeverComesIsGivenUp() throws {
    let requests = Mutex(0)
    let server = try CQLServer { request, connection, stream in
      try Self.script { request, connection, stream in
        let number = requests.withLock { count in
          count += 1
          return count
        }
        // The first one never, the second one in time.
        if number > 1 { connection.send(.result, stream, try Self.echo(request)) }
      }(request, connection, stream)
    }
    let session = try session(server, options: "?timeout=2")
    #expect(try session.run(Statement("x", [.integer(7)]))?.count == 1)
    // Its number is not used again, for an answer may still come.
    #expect(session.inFlight == 1 && requests.withLock { $0 } == 2)
  }

  @Test func lateAnswersAreNotTakenForOthers() throws {
    let late = Mutex<[@Sendable () -> Void]>([])
    let server = try CQLServer { request, connection, stream in
      try Self.script { request, connection, stream in
        let answer = try Self.echo(request)
        if Self.number(request) == 1 && late.withLock({ $0.isEmpty }) {
          late.withLock { $0.append { connection.send(.result, stream, answer) } }
        } else {
          // The late one comes first.
          for answer in late.withLock({ $0 }) { answer() }
          late.withLock { $0 = [{}] }
          connection.send(.result, stream, answer)
        }
      }(request, connection, stream)
    }
    let session = try session(server, options: "?timeout=2")
    for number in 1...3 {
      var answer: Int64 = 0
      try session.submit(Statement("x", [.integer(Int64(number))])) { answer = try Self.number($0) }
      try session.drain()
      #expect(answer == number)
    }
    #expect(session.inFlight == 0)
  }

  @Test(arguments: [
    "HTTP/1.1 400 Bad Request\r\n\r\n", "\u{4}\0\0\0\u{5}\0\0\0\0", "\0\0\0\0\0\0\0\0\0\0",
  ])
  func whatIsNoServerOfCassandraIsSaidToBeNone(_ greeting: String) throws {
    let server = try CQLServer { _, connection, _ in connection.sendAndClose(Array(greeting.utf8)) }
    let error = #expect(throws: DatabaseError.self) { try session(server) }
    #expect(
      error?.kind == .refused && error?.reason.contains("does not speak the protocol") == true,
      "\(String(describing: error))")
  }

  @Test func answersThatNobodyAskedForEndTheConnection() throws {
    let server = try CQLServer { request, connection, stream in
      try Self.script { request, connection, stream in connection.send(.result, stream + 1, Body.void()) }(
        request, connection, stream)
    }
    let error = #expect(throws: DatabaseError.self) { try session(server).run(Statement("x", [.integer(7)])) }
    #expect(error?.kind == .refused, "\(String(describing: error))")
  }

  @Test func eventsAreNoAnswers() throws {
    let event = try Body.of {
      for text in ["STATUS_CHANGE", "DOWN"] { try $0.writeCQL(string: text) }
      $0.writeBytes([4, 127, 0, 0, 1, 0, 0, 0, 1])
    }
    let server = try CQLServer { request, connection, stream in
      connection.send(.event, -1, event)
      try Self.script { try $1.send(.result, $2, Self.echo($0)) }(request, connection, stream)
    }
    #expect(try session(server).run(Statement("x", [.integer(7)]))?.count == 1)
  }

  // MARK: Preparing, paging, batches

  @Test func forgottenStatementsArePreparedAgainOnce() throws {
    let database = MemoryCassandra()
    let prepares = Mutex(0)
    let server = try CQLServer { request, connection, stream in
      if case .prepare = request { prepares.withLock { $0 += 1 } }
      try database.answer(request, connection, stream)
    }
    let session = try session(server)
    try session.runSchemaChange("CREATE TABLE IF NOT EXISTS t (key bigint PRIMARY KEY)")
    let insertion = "INSERT INTO t (key) VALUES (?) USING TIMESTAMP ?"
    for number in 0..<600 {
      if number == 300 { database.forgetPrepared() }
      try session.submit(Statement(insertion, [.integer(Int64(number)), .integer(1)]))
    }
    try session.drain()
    #expect(database.rows("t").count == 600 && prepares.withLock { $0 } == 2)
  }

  @Test func pagesComeOneAfterTheOther() throws {
    let database = MemoryCassandra()
    let server = try CQLServer(.unruly(seed: 2), answer: database.answer)
    let session = try session(server)
    try session.runSchemaChange("CREATE TABLE IF NOT EXISTS t (key bigint PRIMARY KEY, lsn bigint)")
    for number in 0..<250 {
      try session.submit(
        Statement(
          "INSERT INTO t (key, lsn) VALUES (?, ?) USING TIMESTAMP ?",
          [.integer(Int64(number)), .integer(Int64(number)), .integer(1)]))
    }
    try session.drain()
    var statement = Statement("SELECT key FROM t")
    statement.pageSize = 100
    var sizes: [Int] = []
    var keys: Set<CQLValue> = []
    repeat {
      var page = try #require(try session.run(statement))
      sizes.append(page.count)
      while let row = try page.next() { keys.insert(row[0]) }
      statement.pagingState = page.pagingState
    } while statement.pagingState != nil
    #expect(sizes == [100, 100, 50] && keys.count == 250)
  }

  @Test func batchesAreOneRequest() throws {
    let database = MemoryCassandra()
    let server = try CQLServer(answer: database.answer)
    let connection = try CassandraConnection(.init(name: "127.0.0.1", port: server.port), CassandraAddress(server))
    defer { connection.close() }
    _ = try connection.call(.query("CREATE TABLE IF NOT EXISTS t (key bigint PRIMARY KEY)", CQLParameters()))
    let insertion = "INSERT INTO t (key) VALUES (?) USING TIMESTAMP 1"
    guard case .prepared(let prepared) = try connection.call(.prepare(insertion)) else {
      Issue.record("not prepared")
      return
    }
    var batch = CQLBatch(.unlogged)
    for number in 0..<10 as Range<Int64> {
      batch.entries.append(
        .init(
          statement: number % 2 == 0 ? .query(insertion) : .prepared(prepared.id), values: [ByteBuffer(integer: number)]
        ))
    }
    #expect(try connection.call(.batch(batch)) == .void)
    #expect(database.rows("t").count == 10)
  }

  // MARK: Several nodes

  /// Three nodes of one data centre, and one of another.
  private func cluster(_ database: MemoryCassandra) throws -> [CQLServer] {
    let quarter = Int64.max / 2
    database.state.withLock { state in
      state.nodes = (1...4).map { number in
        MemoryCassandra.Node(
          address: [127, 0, 0, UInt8(number)], dataCenter: number == 4 ? "there" : "here",
          tokens: [[-quarter, 1], [0, .max], [quarter], [5]][number - 1])
      }
    }
    let first = try CQLServer(answer: database.answer(as: 0))
    return try [first]
      + (1...3).map { try CQLServer(host: "127.0.0.\($0 + 1)", port: first.port, answer: database.answer(as: $0)) }
  }

  @Test func rowsGoToTheNodesThatHaveThem() throws {
    let database = MemoryCassandra()
    let servers = try cluster(database)
    let session = try session(servers[0])
    #expect(session.nodeNames.count == 3)
    try session.runSchemaChange("CREATE TABLE IF NOT EXISTS t (key bigint PRIMARY KEY)")
    let insertion = "INSERT INTO t (key) VALUES (?) USING TIMESTAMP ?"
    func insert(_ numbers: Range<Int64>) throws {
      for number in numbers { try session.submit(Statement(insertion, [.integer(number), .integer(1)])) }
      try session.drain()
    }
    // Where it belongs is known once it has been prepared.
    try insert(0..<1)
    database.state.withLock { state in for index in state.nodes.indices { state.nodes[index].written = [] } }
    try insert(1..<300)
    let nodes = database.state.withLock { $0.nodes }
    for (index, node) in nodes.enumerated() {
      for case .integer(let number) in node.written {
        let token = Murmur3.token(Array(ByteBuffer(integer: number).readableBytesView))
        let ends = nodes[..<3].enumerated().flatMap { index, node in node.tokens.map { (token: $0, node: index) } }
          .sorted { $0.token < $1.token }
        #expect((ends.first { $0.token >= token } ?? ends[0]).node == index, "token \(token)")
      }
    }
    #expect(nodes.map { $0.written.count > 20 } == [true, true, true, false])
    // What a node is too busy for goes to another one.
    database.state.withLock { $0.busyNode = 1 }
    try insert(400..<450)
    #expect(database.state.withLock { $0.refusals } > 5)
    database.state.withLock { $0.busyNode = nil }
    // A node that goes away leaves its rows to the others.
    servers[1].stop()
    try insert(300..<400)
    #expect(database.rows("t").count == 450)
    #expect(servers[3].accepted.load(ordering: .relaxed) == 0)
  }

  /// One that answers nothing but greetings, or greetings and what it is to prepare.
  @Test(arguments: [false, true]) func nodesThatStopAnsweringAreLeftAlone(_ prepares: Bool) throws {
    let database = MemoryCassandra()
    database.state.withLock { state in
      state.nodes = [(1, 0), (2, Int64.max)].map { number, token in
        MemoryCassandra.Node(address: [127, 0, 0, number], tokens: [token])
      }
    }
    let unanswered = Mutex(0)
    let first = try CQLServer(answer: database.answer(as: 0))
    let second = try CQLServer(host: "127.0.0.2", port: first.port) { request, connection, stream in
      switch request {
      case .startup, .query: break
      case .prepare where prepares: break
      default: return unanswered.withLock { $0 += 1 }
      }
      try database.answer(as: 1)(request, connection, stream)
    }
    let session = try session(first, options: "?timeout=2")
    try session.runSchemaChange("CREATE TABLE IF NOT EXISTS t (key bigint PRIMARY KEY)")
    func insert(_ numbers: Range<Int64>) throws {
      let insertion = "INSERT INTO t (key) VALUES (?) USING TIMESTAMP ?"
      for number in numbers { try session.submit(Statement(insertion, [.integer(number), .integer(1)])) }
      try session.drain()
    }
    try insert(0..<40)
    let count = unanswered.withLock { $0 }
    // The thread has waited for one preparation, or all executions have waited together.
    #expect(prepares ? count > 5 : count == 1, "\(count)")
    try insert(40..<80)
    #expect(unanswered.withLock { $0 } == count && database.rows("t").count == 80)
    #expect(second.accepted.load(ordering: .relaxed) == 1)
  }

  @Test func ringEndsWhereItBegins() throws {
    let database = MemoryCassandra()
    let servers = try cluster(database)
    let connection = try CassandraConnection(
      .init(name: "127.0.0.1", port: servers[0].port), CassandraAddress(servers[0]))
    defer { connection.close() }
    let cluster = Cluster(try Cluster.known(by: connection), connection: connection)
    let quarter = Int64.max / 2
    for (token, node) in [
      (.min, 0), (-quarter, 0), (-quarter + 1, 1), (0, 1), (1, 0), (2, 2), (quarter, 2), (quarter + 1, 1), (.max, 1),
    ] as [(Int64, Int)] {
      #expect(cluster.owner(of: token).map { cluster.nodes[$0].host.name } == "127.0.0.\(node + 1)", "token \(token)")
    }
  }

  // MARK: Who we are

  @Test func passwordsAreCheckedAndNeverRepeated() throws {
    let database = MemoryCassandra(users: ["ada": "geheim"])
    let server = try CQLServer(answer: database.answer)
    func connect(_ user: String?, _ password: String?) throws {
      try CassandraAddress(server, user: user, password: password).check()
    }
    try connect("ada", "geheim")
    let wrong = #expect(throws: DatabaseError.self) { try connect("ada", "falsch") }
    #expect(wrong?.kind == .authentication && wrong?.code == "0x0100" && wrong?.reason.contains("falsch") == false)
    let missing = #expect(throws: DatabaseError.self) { try connect("ada", nil) }
    #expect(missing?.kind == .authentication && missing?.code == nil && missing?.reason == "a password is needed")
    let nobody = #expect(throws: DatabaseError.self) { try connect(nil, nil) }
    #expect(nobody?.kind == .authentication && nobody?.reason.contains("wants a user") == true)
  }

  @Test func serversThatAreTooBusyForAPasswordAreNotSaidToRefuseIt() throws {
    let server = try CQLServer { request, connection, stream in
      if case .authResponse = request {
        return connection.send(.error, stream, try Body.failure(CQLFailure(.overloaded, "busy")))
      }
      connection.send(.authenticate, stream, try Body.string("PasswordAuthenticator"))
    }
    let error = #expect(throws: DatabaseError.self) {
      try CassandraAddress(server, user: "ada", password: "geheim").check()
    }
    #expect(error?.kind == .unreachable && error?.reason == "busy", "\(String(describing: error))")
  }

  @Test func serversThatAreNotThere() throws {
    let closed = try CassandraAddress("cassandra://127.0.0.1:1/club")
    let error = #expect(throws: DatabaseError.self) { try closed.check() }
    #expect(
      error?.kind == .unreachable && error?.reason.contains("Connection refused") == true,
      "\(String(describing: error))")
    let server = try CQLServer(answer: MemoryCassandra().answer)
    // One of several is enough.
    try CassandraAddress("cassandra://127.0.0.1:1,127.0.0.1:\(server.port)/club").check()
    let keyspace = #expect(throws: DatabaseError.self) {
      try CassandraAddress("cassandra://127.0.0.1:\(server.port)/nowhere").check()
    }
    #expect(keyspace?.kind == .noDatabase && keyspace?.reason == "there is no keyspace nowhere")
  }
}
