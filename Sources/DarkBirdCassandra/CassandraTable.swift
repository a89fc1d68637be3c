public import DarkBird

/// A table in a Cassandra or Scylla database that is, or becomes, a copy of a store.
///
/// It is made where it is not there, with the columns
///
/// | column | |
/// |---|---|
/// | `key text` | primary key: text as it is, other keys as JSON |
/// | `document text` | JSON that keeps all types: `{"$date":"2024-01-31T08:30:00Z"}`, `{"$bytes":"SGk="}` |
/// | `lsn bigint` | the number of the change that made this version |
/// | `tags set<text>` | as the store has them: `club=Ajax` |
/// | one for each range field | `boolean`, `decimal`, `timestamp` or `text` by what it holds, else JSON as `text` |
///
/// or with `columns` of your own, `TableColumns`. The documents are exact; columns are for queries: a value of another type than its column's
/// is null there, tags of more than 2,000 bytes and text after 500 characters are left out. There are no indexes on them: make
/// those that your queries need. Keys have up to 65,535 bytes.
///
/// The table is written row by row, each at a timestamp that grows with the number of its change, so that anything may be written
/// again. Somebody who reads meanwhile sees some changes earlier than others; only when `copy` or a batch of `mirror` is through,
/// the table is the store of one moment. It belongs to DarkBird: rows that others write or delete have the timestamps of a clock,
/// which are later than those of any change, and stay as they are.
///
/// Beside it, the table `darkbird_copies` says whose copy it is, and up to which change. It is written with lightweight transactions.
public typealias CassandraTable = DatabaseTable<CassandraAddress>

extension Store {
  /// Makes a table in a Cassandra or Scylla database equal to the store as it is at one moment; see `CassandraTable`. Writes and
  /// reads go on meanwhile.
  ///
  /// Only what differs goes over: rows whose LSN is another one, and those of documents that the store does not have, which are
  /// removed. So it may be repeated, and goes on where one that failed or was killed has stopped. What does not answer in time
  /// or is too busy is asked again, six times in all, ever later.
  /// - Parameter progress: called now and then; false gives up.
  /// - Throws: `DatabaseError`; `StoreError.cancelled`, `.encodingFailed`, `.poisoned`.
  /// - Complexity: O(documents) comparisons, and what differs.
  @discardableResult
  public func copy(
    to table: CassandraTable, progress: (JobProgress) -> Bool = { _ in true }
  ) throws -> CopyReport {
    try copy(to: CassandraReplica(table), progress: progress)
  }

  /// Keeps a table in a Cassandra or Scylla database equal to the store, a fraction of a second behind, until `progress` returns
  /// false or the store closes. Blocks its thread: give it one of its own.
  ///
  /// Changes go over in batches. After each, `darkbird_copies` notes the LSN up to which the table is complete; whichever side is
  /// killed or restarted in between, it goes on there: nothing is missed, and what comes twice has the timestamp of the first
  /// time and changes nothing. Where the log does not reach back to there, the table is made equal as `copy` does. A change goes
  /// over once it is durable here. A lost connection is made again, at first after 0.1 s, then ever later, up to 10 s.
  /// - Parameters:
  ///   - endsWhenComplete: also ends once the table has all changes.
  ///   - progress: called at least 20 times a second, but not while a batch goes over.
  /// - Throws: `DatabaseError` if the first connection fails, or later for what does not go away by itself; `StoreError`:
  ///   `.invalidConfiguration` for a store in memory, `.readOnly` (both before anything is copied), `.poisoned`, `.encodingFailed`,
  ///   and for what cannot be read of the log `.corrupt`, `.undecodable`, `.io`.
  @discardableResult
  public func mirror(
    to table: CassandraTable, endsWhenComplete: Bool = false, progress: (MirrorProgress) -> Bool
  ) throws -> MirrorProgress {
    try mirror(to: CassandraReplica(table), endsWhenComplete: endsWhenComplete, progress: progress)
  }
}
