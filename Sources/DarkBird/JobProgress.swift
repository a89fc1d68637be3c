/// How far a backup, a restoration, an export or a migration has come.
public struct JobProgress: Sendable, Hashable {
  public var documents: Int
  /// Nil while nobody knows.
  public var total: Int?

  public init(documents: Int, total: Int?) {
    self.documents = documents
    self.total = total
  }
}
