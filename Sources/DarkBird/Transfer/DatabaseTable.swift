package import Foundation

/// A table in a database that is, or becomes, a copy of a store: a `PostgresTable` or a `CassandraTable`.
public struct DatabaseTable<Address: Sendable>: Sendable {
  public var address: Address
  /// As the database writes it: `documents`, `reports.players`, `"Players"`.
  public var name: String
  /// Whether a copy of another store may be made one of this store; writes every row again.
  public var replaces = false
  /// Nil for those of documents.
  public var columns: TableColumns?

  public init(_ address: Address, name: String = "documents", replaces: Bool = false) {
    self.address = address
    self.name = name
    self.replaces = replaces
  }
}

/// What rows of a database are read.
public enum DatabaseRows: Sendable, Hashable {
  /// As the database writes it.
  case table(String)
  case query(String)
}

/// Columns of your own, instead of the document's: between `key` and `lsn`, which are always there.
///
///     let columns = TableColumns([("email", "text"), ("age", "int")]) { _, player in
///       [player["email"] ?? .null, player["age"] ?? .null]
///     }
public struct TableColumns: Sendable {
  package let names: [String]
  package let types: [String]
  private let values: @Sendable (Value, Record) throws -> [Value]

  /// - Parameters:
  ///   - columns: names, and types of the database.
  ///   - values: one for each column. Arrays and maps go over as JSON; in Cassandra others must be of the column's type, but
  ///     anything may go into a column of text.
  public init(
    _ columns: [(name: String, type: String)], _ values: @escaping @Sendable (Value, Record) throws -> [Value]
  ) {
    names = columns.map(\.name)
    types = columns.map(\.type)
    self.values = values
  }

  package func values(of row: ReplicaRow) throws -> [Value] {
    let values = try values(row.key, row.document)
    guard values.count == names.count else {
      throw DatabaseError(.refused, "\(values.count) values for \(names.count) columns")
    }
    return values
  }
}

/// What `darkbird_copies` knows of the form of a table, as JSON.
package struct TableForm: Codable, Equatable, Sendable {
  package struct RangeColumn: Codable, Equatable, Sendable {
    package var field: String
    package var column: String
    package var kind: RangeKind
  }

  package var ranges: [RangeColumn] = []
  /// Indexes of the store, for a store that is made of the table.
  package var fields = FieldSchema()
  /// Those that a program computes; nil for none.
  package var computed: FieldSchema?
  /// Names of columns of the user's own; nil for a table with documents.
  package var columns: [String]?

  package init() {}

  /// The form for this store: columns that are there stay as they are, range fields that have values now get theirs.
  /// - Parameters:
  ///   - own: columns of the user's own.
  ///   - taken: names that no column of a range field may have.
  package func adapted(to store: ReplicatedStore, columns own: [String]?, taken: Set<String>) -> TableForm {
    var form = self
    form.fields = store.schema.fields
    form.computed = store.schema.computed.isEmpty ? nil : store.schema.computed
    form.columns = own
    if own != nil { return form }
    var taken = taken.union(form.ranges.map(\.column))
    for (field, kind) in store.ranges where !form.ranges.contains(where: { $0.field == field }) {
      guard let kind else { continue }
      // Databases cut or refuse longer names, and then two could be one.
      var column = String(decoding: Array(field.utf8.prefix(50)), as: UTF8.self)
      if column.isEmpty || column.utf8.contains(0) { column = "range" }
      while !taken.insert(column).inserted { column += "_" }
      form.ranges.append(RangeColumn(field: field, column: column, kind: kind))
    }
    return form
  }

  /// Whether rows that were written in the other form may have other tags and range values than they would have in this one,
  /// though their documents are the same and have the same LSN. Columns of the user's own do not come from the indexes.
  package func makesOtherRows(than other: TableForm) -> Bool {
    guard columns == nil else { return false }
    func names(_ form: TableForm, _ kind: (FieldSchema) -> [String]) -> [Set<String>] {
      [Set(kind(form.fields)), Set(kind(form.computed ?? FieldSchema()))]
    }
    return ranges != other.ranges || names(self, \.tags) != names(other, \.tags)
      || names(self, \.ranges) != names(other, \.ranges)
  }
}

/// What is known of a table that exists, before a store is copied into it.
package struct KnownTable {
  /// As the database writes it.
  package var name: String
  /// Whose copy it is, and in which form; nil for a table of somebody else.
  package var copy: (store: UUID, form: TableForm)?

  package init(name: String, copy: (store: UUID, form: TableForm)?) {
    self.name = name
    self.copy = copy
  }

  /// - Parameter columns: those that a copy is made with.
  /// - Throws: `.otherTable` if it is not one for the store.
  package func check<Address>(
    _ store: ReplicatedStore, _ table: DatabaseTable<Address>, columns: [String], found: Set<String>
  ) throws(DatabaseError) {
    guard let copy else {
      throw DatabaseError(.otherTable, "table \(name) exists and is not a copy of a store; choose another name")
    }
    if copy.store != store.identifier && !table.replaces {
      throw DatabaseError(
        .otherTable, "table \(name) is a copy of another store; to replace it by this one, say so (--replace)")
    }
    if copy.form.columns != table.columns?.names {
      throw DatabaseError(.otherTable, "table \(name) has other columns; choose another name or drop it")
    }
    // One of the same name that someone made in the place of the copy.
    if !found.isSuperset(of: columns) {
      throw DatabaseError(.otherTable, "table \(name) is not the copy that was made under this name")
    }
  }
}
