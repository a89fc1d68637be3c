/// What a migration did, or would do.
public struct MigrationReport: Sendable, Hashable, Codable {
  /// A document that did not go through.
  public struct Failure: Sendable, Hashable, Codable {
    /// Before the migration.
    public var key: String
    public var reason: String
  }

  /// A document before and after, as JSON.
  public struct Example: Sendable, Hashable, Codable {
    public var key: String
    public var document: String
    /// Nil if the document is left out.
    public var newKey: String?
    public var newDocument: String?
  }

  /// Failures that are kept one by one; more of them are counted.
  public static let failuresMax = 1_000
  static let examplesMax = 5

  /// Before.
  public var documents = 0
  /// Of these: as they were, changed, left out by the migration, and failed.
  public var unchanged = 0
  public var changed = 0
  public var removed = 0
  public var failed = 0
  /// The first of those that failed, in no order.
  public var failures: [Failure] = []
  /// A few that changed.
  public var examples: [Example] = []
  /// Version of the documents before and after.
  public var oldVersion: UInt64 = 0
  public var version: UInt64 = 0
  public var schema = SchemaDescription()
  /// Whether the store is the new one. Otherwise it is as it was.
  public var isCommitted = false
  public var nanoseconds: UInt64 = 0

  mutating func fail(_ key: String, _ reason: String) {
    failed += 1
    // It was changed, but cannot stay.
    examples.removeAll { $0.key == key }
    if failures.count < Self.failuresMax { failures.append(Failure(key: key, reason: reason)) }
  }

  mutating func note(_ old: EncodedDocument, _ new: EncodedDocument?) {
    if examples.count >= Self.examplesMax { return }
    examples.append(
      Example(
        key: old.keyText, document: old.documentText, newKey: new?.keyText, newDocument: new?.documentText))
  }
}
