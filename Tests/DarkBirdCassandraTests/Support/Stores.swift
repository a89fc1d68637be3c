import DarkBird
import Testing

@testable import DarkBirdCassandra

typealias RecordStore = Store<Value, Record>

/// Whether two stores hold the same, to the last bit and in the same order of fields.
func expectEqual(
  _ left: RecordStore, _ right: RecordStore, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(left.count == right.count, "\(comment)", sourceLocation: sourceLocation)
  var differences: [String] = []
  for stored in try left.scan().documents {
    guard let found = right.stored(stored.key), try bytes(.map(found.document)) == bytes(.map(stored.document)) else {
      differences.append("\(stored.key): \(stored.document), not \(right[stored.key] ?? [:])")
      continue
    }
  }
  #expect(
    differences.isEmpty, "\(comment) \(differences.count): \(differences.prefix(1))", sourceLocation: sourceLocation)
}

/// A keyspace of a server in memory.
struct Keyspace {
  let database: MemoryCassandra
  let server: CQLServer

  init(_ delivery: CQLServer.Delivery = .plain, users: [String: String] = [:]) throws {
    database = MemoryCassandra(users: users)
    server = try CQLServer(delivery, answer: database.answer)
  }

  var url: String { "cassandra://127.0.0.1:\(server.port)/club" }

  func table(_ name: String = "documents") throws -> CassandraTable {
    CassandraTable(try CassandraAddress(server), name: name)
  }

  /// A copy as a store in memory.
  func loaded(_ table: String = "documents") throws -> RecordStore {
    let store = try RecordStore()
    let report = try store.load(from: CassandraSource(CassandraAddress(url), .table(table))) { Issue.record("\($0)") }
    #expect(report.refused == 0 && report.replaced == 0)
    return store
  }

  /// Rows that were written, of all tables but the one that darkbird keeps for itself.
  var writes: Int { database.count("INSERT INTO") + database.count("DELETE FROM") }
}
