import DarkBird

extension Store {
  /// Visits the documents of a query page by page, until the store visits them in place.
  func forEach(_ query: Query = Query(), _ body: (_ key: Key, _ document: borrowing Document) throws -> Void) throws {
    var cursor: Cursor?
    repeat {
      let page = try documents(query, limit: 4_096, after: cursor)
      for stored in page.documents { try body(stored.key, stored.document) }
      cursor = page.next
    } while cursor != nil
  }
}
