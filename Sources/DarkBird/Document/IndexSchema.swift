public struct IndexSchema<Document>: Sendable {
  public init() {}
}
