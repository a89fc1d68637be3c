import DarkBird
import DarkBirdPostgres
import Testing

typealias RecordStore = Store<Value, Record>

/// Whether two stores hold the same, to the last bit and in the same order of fields.
func expectEqual(
  _ left: RecordStore, _ right: RecordStore, _ comment: String = "",
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  #expect(left.count == right.count, "\(comment)", sourceLocation: sourceLocation)
  var differences = 0
  for stored in try left.scan().documents {
    guard let found = right.stored(stored.key), try bytes(.map(found.document)) == bytes(.map(stored.document)) else {
      differences += 1
      if differences == 1 {
        Issue.record(
          "\(comment) \(text(stored.key)): \(text(.map(stored.document))), not \(text(.map(right[stored.key] ?? [:])))",
          sourceLocation: sourceLocation)
      }
      continue
    }
  }
  #expect(differences == 0, "\(comment)", sourceLocation: sourceLocation)
}

/// A copy as a store in memory.
func loaded(_ database: Database, _ table: String = "documents") throws -> RecordStore {
  let store = try RecordStore()
  let report = try store.load(from: PostgresSource(database.address, .table(table))) { Issue.record("\($0)") }
  #expect(report.refused == 0 && report.replaced == 0)
  return store
}

private func text(_ value: Value) -> String {
  var text = ""
  TypedJSON.append(value, to: &text)
  return text
}
