import DarkBird
import DequeModule
import Foundation
import Synchronization

/// Statements to a cluster: prepared where they run, sent to the node that has the row, tried again where that may help. Used by one
/// thread at a time, and blocks it.
///
/// Up to 1,000 requests are in flight, of 32 MiB together: `submit` hands one over and waits only while there are that many, `drain`
/// waits for all.
/// Answers come on event loops and go into a queue; all else happens on the thread of the caller.
final class CassandraSession {
  static let inFlightMax = 1_000
  static let bytesMax = 32 << 20

  let address: CassandraAddress
  var retries: RetryPolicy
  private var cluster: Cluster
  private var prepared: [String: CQLPrepared] = [:]
  private var preparations = 0
  private var random = SystemRandomNumberGenerator()
  /// Called before statements are sent again, which may be long after they were handed over; what it throws ends them. Must not
  /// use this session.
  var willRepeat: (() throws -> Void)?

  private struct Flight {
    var statement: Statement
    var node = 0
    var attempt = 0
    /// Which preparation of the node it relies on.
    var preparation = 0
    /// How often the node did not know the statement, though it had been prepared there.
    var unpreparedCount = 0
    var completion: (CQLResponse) throws -> Void
  }

  private var flights: [Int: Flight] = [:]
  private var bytes = 0
  private var nextFlight = 0
  private let answers = AnswerQueue()
  /// Those to be tried again, and when.
  private var resting: [(flight: Int, due: ContinuousClock.Instant)] = []

  /// Connects to the first host that answers, and asks it for the others.
  init(_ address: CassandraAddress) throws(DatabaseError) {
    self.address = address
    retries = address.retries
    cluster = Cluster(address.hosts)
    let (connection, _) = try connect(cluster.nodes.indices.map { $0 })
    let known = try Cluster.known(by: connection)
    // Those that know nothing of each other, behind a translation of addresses, are used as they were given.
    if known.count > 1 || address.hosts.count == 1 { cluster = Cluster(known, connection: connection) }
  }

  deinit { close() }

  func close() {
    for index in cluster.nodes.indices {
      cluster.nodes[index].connection?.close()
      cluster.nodes[index].connection = nil
    }
    abandon()
  }

  /// Requests that have not been answered, on all connections.
  var inFlight: Int { cluster.nodes.reduce(0) { $0 + ($1.connection?.inFlight ?? 0) } }

  var nodeNames: [String] { cluster.nodes.map(\.host.description) }

  // MARK: Nodes

  /// The first of these nodes that has a connection or gets one.
  private func connect(_ order: [Int]) throws(DatabaseError) -> (CassandraConnection, Int) {
    var failure = DatabaseError(.unreachable, "there is no node")
    for index in order {
      if let connection = cluster.nodes[index].connection, connection.isOpen { return (connection, index) }
      do throws(DatabaseError) {
        let connection = try CassandraConnection(cluster.nodes[index].host, address)
        cluster.nodes[index].connection = connection
        cluster.nodes[index].isDownUntil = nil
        cluster.nodes[index].prepared = [:]
        return (connection, index)
      } catch {
        failure = error
        // What is wrong with the password is wrong everywhere; a certificate may be for the name of one node, and not for the
        // address by which another is known.
        guard error.kind == .unreachable || error.kind == .certificate else { throw error }
        cluster.nodes[index].connection = nil
        cluster.nodes[index].isDownUntil = .now + (error.kind == .certificate ? Cluster.distrustTime : Cluster.downTime)
      }
    }
    throw failure
  }

  /// Waits for an answer; a node from which none comes is left alone for a while.
  private func call(
    _ request: CQLRequest, _ connection: CassandraConnection, _ node: Int
  ) throws(DatabaseError) -> CQLResponse {
    do throws(DatabaseError) { return try connection.call(request) } catch {
      noteFailure(error, of: node)
      throw error
    }
  }

  private func noteFailure(_ error: DatabaseError, of node: Int) {
    // With a code, it is an answer.
    if error.kind == .unreachable && error.code == nil { cluster.nodes[node].isDownUntil = .now + Cluster.downTime }
  }

  /// - Throws: what the server says of the statement.
  private func prepare(
    _ text: String, _ connection: CassandraConnection, _ node: Int
  ) throws(DatabaseError) -> CQLPrepared {
    if let known = prepared[text], cluster.nodes[node].prepared[text] != nil { return known }
    switch try call(.prepare(text), connection, node) {
    case .prepared(let statement):
      prepared[text] = statement
      preparations += 1
      cluster.nodes[node].prepared[text] = preparations
      return statement
    case .error(let failure): throw DatabaseError(failure)
    default: throw DatabaseError(CQLMalformed("no answer to PREPARE"))
    }
  }

  // MARK: One at a time

  /// Runs a statement that cannot be prepared: one that changes the schema.
  /// - Parameter isDone: asked where it is refused: it may have been done, and the answer lost.
  func runSchemaChange(_ text: String, isDone: () throws -> Bool = { false }) throws {
    var attempt = 0
    while true {
      do {
        let (connection, node) = try connect(cluster.order(nil))
        var parameters = CQLParameters()
        parameters.consistency = address.consistency
        if case .error(let failure) = try call(.query(text, parameters), connection, node) {
          let error = DatabaseError(failure)
          guard error.kind == .query, try isDone() else { throw error }
        }
        return try waitForSchema(connection)
      } catch let error as DatabaseError {
        attempt += 1
        try rest(after: attempt, error)
      }
    }
  }

  /// Until all nodes have the same tables, at most for ten seconds.
  private func waitForSchema(_ connection: CassandraConnection) throws(DatabaseError) {
    let deadline = ContinuousClock.now + .seconds(10)
    while cluster.nodes.count > 1 {
      var versions: Set<String> = []
      for table in ["system.local", "system.peers"] {
        for row in try Cluster.rows("SELECT schema_version FROM \(table)", connection) {
          if let version = row["schema_version"], version != .null { versions.insert("\(version)") }
        }
      }
      if versions.count <= 1 { return }
      if ContinuousClock.now > deadline {
        throw DatabaseError(.unreachable, "the nodes do not agree about the tables after ten seconds")
      }
      Thread.sleep(forTimeInterval: 0.1)
    }
  }

  private func rest(after attempt: Int, _ error: DatabaseError) throws(DatabaseError) {
    guard RetryPolicy.isWorthAnother(error), let delay = retries.delay(after: attempt, &random) else { throw error }
    Thread.sleep(forTimeInterval: delay / .seconds(1))
  }

  /// Runs a statement to its end.
  /// - Returns: its rows; none for one that has no rows.
  func run(_ statement: Statement) throws -> CQLRows? {
    var rows: CQLRows?
    try submit(statement) { if case .rows(let found) = $0 { rows = found } }
    try drain()
    return rows
  }

  /// The columns of a statement's parameters.
  func parameters(of text: String) throws(DatabaseError) -> [CQLColumn] {
    let (connection, node) = try connect(cluster.order(nil))
    return try prepare(text, connection, node).parameters
  }

  // MARK: Many at once

  /// Sends a statement, after waiting while too many are under way.
  /// - Parameter completion: called on this thread, within a later call.
  /// - Throws: what any of those under way has failed with, after which nothing is under way.
  func submit(_ statement: Statement, _ completion: @escaping (CQLResponse) throws -> Void = { _ in }) throws {
    do {
      while flights.count >= Self.inFlightMax || bytes >= Self.bytesMax { try takeAnswer() }
      nextFlight += 1
      bytes += statement.bytes
      flights[nextFlight] = Flight(statement: statement, completion: completion)
      try send(nextFlight)
    } catch {
      abandon()
      throw error
    }
  }

  /// Waits until all are done.
  func drain() throws {
    do { while !flights.isEmpty { try takeAnswer() } } catch {
      abandon()
      throw error
    }
  }

  /// Answers that come for these are thrown away.
  private func abandon() {
    flights = [:]
    resting = []
    bytes = 0
  }

  private func send(_ number: Int) throws {
    guard var flight = flights[number] else { return }
    do throws(DatabaseError) {
      let text = flight.statement.text
      // Where it belongs shows once it has been prepared anywhere.
      var known = prepared[text]
      var parameters = CQLParameters()
      if let known { parameters = try flight.statement.parameters(known, address.consistency) }
      // One that has not answered, or has sent it away, is not asked again at once.
      let token = flight.attempt == 0 ? known?.token(parameters.values) : nil
      let (connection, node) = try connect(cluster.order(token))
      let there = try prepare(text, connection, node)
      if there != known {
        known = there
        parameters = try flight.statement.parameters(there, address.consistency)
      }
      flight.node = node
      flight.preparation = cluster.nodes[node].prepared[text] ?? 0
      flights[number] = flight
      connection.send(.execute(id: there.id, parameters)) { [answers] in answers.put(number, $0) }
    } catch {
      flights[number] = flight
      try failed(number, error)
    }
  }

  /// Tries again later, or gives up.
  private func failed(_ number: Int, _ error: DatabaseError) throws {
    guard var flight = flights[number] else { return }
    flight.attempt += 1
    guard RetryPolicy.isWorthAnother(error), let delay = retries.delay(after: flight.attempt, &random) else {
      throw error
    }
    flights[number] = flight
    resting.append((number, .now + delay))
  }

  /// Waits for the next answer, or until one is to be tried again.
  private func takeAnswer() throws {
    let now = ContinuousClock.now
    let due = resting.filter { $0.due <= now }
    if !due.isEmpty {
      resting.removeAll { $0.due <= now }
      try willRepeat?()
      for rested in due { try send(rested.flight) }
      return
    }
    guard let (number, result) = answers.take(until: resting.map(\.due).min()) else { return }
    guard let flight = flights[number] else { return }
    switch result {
    case .failure(let error):
      noteFailure(error, of: flight.node)
      try failed(number, error)
    case .success(.error(let failure)) where failure.known == .unprepared:
      // A server forgets those that it has not seen for long. Many answers may say so of one preparation.
      let text = flight.statement.text
      if cluster.nodes[flight.node].prepared[text] == flight.preparation {
        cluster.nodes[flight.node].prepared[text] = nil
      }
      flights[number]?.unpreparedCount += 1
      if flight.unpreparedCount + 1 >= retries.attemptsMax { throw DatabaseError(failure) }
      try send(number)
    case .success(.error(let failure)): try failed(number, DatabaseError(failure))
    case .success(let answer):
      flights[number] = nil
      bytes -= flight.statement.bytes
      try flight.completion(answer)
    }
  }
}

/// From event loops to the thread that waits.
private final class AnswerQueue: Sendable {
  private let queue = Mutex<Deque<(Int, Result<CQLResponse, DatabaseError>)>>([])
  private let count = DispatchSemaphore(value: 0)

  func put(_ number: Int, _ result: Result<CQLResponse, DatabaseError>) {
    queue.withLock { $0.append((number, result)) }
    count.signal()
  }

  /// Nil if nothing comes in time.
  func take(until deadline: ContinuousClock.Instant?) -> (Int, Result<CQLResponse, DatabaseError>)? {
    if let deadline {
      let seconds = max(0, (deadline - .now) / .seconds(1))
      if count.wait(timeout: .now() + seconds) == .timedOut { return nil }
    } else {
      count.wait()
    }
    return queue.withLock { $0.popFirst() }
  }
}
