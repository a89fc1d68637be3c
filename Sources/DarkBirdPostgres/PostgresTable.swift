public import DarkBird
import Foundation

/// A table in a Postgres database that is, or becomes, a copy of a store.
///
/// It is made where it is not there, with the columns
///
/// | column | |
/// |---|---|
/// | `key text` | primary key: text as it is, other keys as JSON |
/// | `document jsonb` | JSON that keeps all types: `{"$date":"2024-01-31T08:30:00Z"}`, `{"$bytes":"SGk="}` |
/// | `lsn bigint` | the number of the change that made this version |
/// | `tags text[]` | as the store has them: `club=Ajax`; indexed |
/// | one for each range field | `boolean`, `numeric`, `timestamptz` or `text` by what it holds, else `jsonb`; indexed |
/// | `field_order json` | the order of the fields, where it is not that of jsonb |
///
/// or with `columns` of your own, `TableColumns`. The documents are exact; columns are for queries: a value of another type than its column's
/// is NULL there, text is cut after 500 characters, tags of more than 2,000 bytes and what has a NUL are left out.
///
/// Beside it, the table `darkbird_copies` says whose copy it is, and up to which change.
public typealias PostgresTable = DatabaseTable<PostgresAddress>

extension Store {
  /// Makes a table in a Postgres database equal to the store as it is at one moment; see `PostgresTable`. Writes and reads go on
  /// meanwhile.
  ///
  /// Only what differs goes over: rows whose LSN is another one, and those of documents that the store does not have, which are
  /// removed. So it may be repeated, and goes on where one that failed or was killed has stopped; each 5,000 rows are a
  /// transaction. Rows that others have changed without changing their LSN are not noticed, unless `replaces` is set.
  /// - Parameter progress: called now and then; false gives up.
  /// - Throws: `DatabaseError`; `StoreError.cancelled`, `.encodingFailed`, `.poisoned`.
  /// - Complexity: O(documents) comparisons, and what differs.
  @discardableResult
  public func copy(
    to table: PostgresTable, progress: (JobProgress) -> Bool = { _ in true }
  ) throws -> CopyReport {
    try copy(to: PostgresReplica(table), progress: progress)
  }

  /// Keeps a table in a Postgres database equal to the store, a fraction of a second behind, until `progress` returns false or
  /// the store closes. Blocks its thread: give it one of its own.
  ///
  /// Changes go over in batches. With each, in the same transaction, `darkbird_copies` notes the LSN up to which the table is
  /// complete; whichever side is killed or restarted in between, it goes on there, so that nothing is missed and nothing comes
  /// twice. Where the log does not reach back to there, the table is made equal as `copy` does. A change goes over once it is
  /// durable here. A lost connection is made again, at first after 0.1 s, then ever later, up to 10 s.
  /// - Parameters:
  ///   - endsWhenComplete: also ends once the table has all changes.
  ///   - progress: called at least 20 times a second, but not while a batch goes over.
  /// - Throws: `DatabaseError` if the first connection fails, or later for what does not go away by itself; `StoreError`:
  ///   `.invalidConfiguration` for a store in memory, `.readOnly` (both before anything is copied), `.poisoned`, `.encodingFailed`,
  ///   and for what cannot be read of the log `.corrupt`, `.undecodable`, `.io`.
  @discardableResult
  public func mirror(
    to table: PostgresTable, endsWhenComplete: Bool = false, progress: (MirrorProgress) -> Bool
  ) throws -> MirrorProgress {
    try mirror(to: PostgresReplica(table), endsWhenComplete: endsWhenComplete, progress: progress)
  }
}
