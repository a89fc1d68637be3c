import DarkBird
import Foundation

/// What is known of a copy.
///
/// **Timestamps.** A row of the change `lsn` is written at the timestamp `base + lsn`, a removal likewise: so the last change wins in
/// whatever order they come, and the same one twice is as once. Of a write and a removal at the same timestamp the removal wins,
/// for Cassandra; two such never are of one key, for a change has one last word on each key, and a removal that a copy finds
/// due is written at `base` itself, which is before every change.
///
/// That holds as long as numbers stand for the same changes. A store that was restored to an older state gives them to others, and
/// another store has its own. So each copy that writes begins with a new `base`: `ceiling`, beyond which no timestamp has been
/// used, neither for a row nor for a removal, which nobody can see. `ceiling` is raised by a million at a time, before it is needed.
/// Rows that were written at `validAfter` or before have numbers of another store, which say nothing.
struct CopyState: Equatable {
  var store: UUID
  /// The LSN up to which the table is complete; nil for none.
  var lsn: UInt64?
  var base: Int64 = 0
  var ceiling: Int64 = 0
  var validAfter: Int64 = 0
  var form = TableForm()
  /// Grows with each note of it.
  var version: Int64 = 0
}

/// The row of a table in `darkbird_copies`, and the right to write to the table: a lease that lapses if its holder is killed.
struct CopyRegistry {
  static let name = "darkbird_copies"

  let session: CassandraSession
  let table: TableName
  private let holder = CQLValue.uuid(UUID())
  /// Of a lease that is not renewed.
  let leaseSeconds: Int
  /// How old a lease must be to be renewed.
  private let renewAge: Duration
  private var renewed = ContinuousClock.now

  private var registry: String { TableName(keyspace: table.keyspace, name: Self.name).description }

  init(_ session: CassandraSession, _ table: TableName, leaseSeconds: Int, renewAge: Duration? = nil) {
    self.session = session
    self.table = table
    self.leaseSeconds = leaseSeconds
    self.renewAge = renewAge ?? .seconds(leaseSeconds) / 3
  }

  func make() throws {
    if try !session.columns(of: TableName(keyspace: table.keyspace, name: Self.name)).isEmpty { return }
    try session.runSchemaChange(
      """
      CREATE TABLE IF NOT EXISTS \(registry) (table_name text PRIMARY KEY, store uuid, lsn bigint, base bigint, \
      ceiling bigint, valid_after bigint, form text, version bigint, holder uuid)
      """)
  }

  // MARK: The lease

  /// Waits for another holder, as long as one that was killed may hold it.
  mutating func lock() throws {
    let deadline = ContinuousClock.now + .seconds(leaseSeconds + 5)
    while try !take("holder = ?", [.null]) {
      if ContinuousClock.now > deadline {
        throw DatabaseError(.busy, "someone else is copying into table \(table)")
      }
      Thread.sleep(forTimeInterval: 0.1)
    }
  }

  /// - Returns: whether it is ours now.
  private mutating func take(_ condition: String, _ values: [CQLValue]) throws -> Bool {
    let now = ContinuousClock.now
    let row = try change(
      "UPDATE \(registry) USING TTL \(leaseSeconds) SET holder = ? WHERE table_name = ? IF \(condition)",
      [holder, .text(table.name)] + values)
    // An answer that was lost: it had been done.
    guard row["[applied]"] == .boolean(true) || row["holder"] == holder else { return false }
    renewed = now
    return true
  }

  /// Keeps the lease while it is used.
  /// - Throws: `.busy` if another has come in between.
  mutating func hold(_ state: CopyState) throws {
    guard renewed.duration(to: .now) >= renewAge else { return }
    if try take("holder = ?", [holder]) { return }
    // It has lapsed; that nobody has written anything meanwhile shows in the version.
    if try take("holder = ? AND version = ?", [.null, Self.value(ofVersion: state.version)]) { return }
    throw DatabaseError(.busy, "someone else is copying into table \(table)")
  }

  func release() {
    session.retries.attemptsMax = 1
    _ = try? change(
      "UPDATE \(registry) SET holder = ? WHERE table_name = ? IF holder = ?", [.null, .text(table.name), holder])
  }

  private func change(_ text: String, _ values: [CQLValue]) throws -> [String: CQLValue] {
    var statement = Statement(text, values)
    statement.isConditional = true
    return try session.run(statement)?.named().first ?? [:]
  }

  // MARK: What is known

  func state() throws -> CopyState? {
    var statement = Statement(
      "SELECT store, lsn, base, ceiling, valid_after, form, version FROM \(registry) WHERE table_name = ?",
      [.text(table.name)])
    // What the last lightweight transaction has agreed upon.
    statement.isSerialRead = true
    guard let row = try session.run(statement)?.named().first, case .uuid(let store)? = row["store"],
      case .text(let form)? = row["form"]
    else { return nil }
    func number(_ name: String) -> Int64? { if case .integer(let number)? = row[name] { number } else { nil } }
    return CopyState(
      store: store, lsn: number("lsn").map(UInt64.init(bitPattern:)), base: number("base") ?? 0,
      ceiling: number("ceiling") ?? 0, validAfter: number("valid_after") ?? 0,
      form: try JSONDecoder().decode(TableForm.self, from: Data(form.utf8)), version: number("version") ?? 0)
  }

  private static func value(ofVersion version: Int64) -> CQLValue { version == 0 ? .null : .integer(version) }

  /// Notes the version after the one that is there: one that a server does only later, because its answer was lost and it was sent
  /// again, must not undo those that have come since.
  /// - Throws: `.busy` if another has come in between.
  func note(_ state: CopyState) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    let form = String(decoding: try encoder.encode(state.form), as: UTF8.self)
    let row = try change(
      """
      UPDATE \(registry) SET store = ?, lsn = ?, base = ?, ceiling = ?, valid_after = ?, form = ?, version = ? \
      WHERE table_name = ? IF holder = ? AND version = ?
      """,
      [
        .uuid(state.store), state.lsn.map { .integer(Int64(bitPattern: $0)) } ?? .null, .integer(state.base),
        .integer(state.ceiling), .integer(state.validAfter), .text(form), .integer(state.version), .text(table.name),
        holder, Self.value(ofVersion: state.version - 1),
      ])
    // An answer that was lost: it had been done.
    let isDone = row["holder"] == holder && row["version"] == .integer(state.version)
    guard row["[applied]"] == .boolean(true) || isDone else {
      throw DatabaseError(.busy, "someone else is copying into table \(table)")
    }
  }
}
