import DarkBird
import Terminal

/// A column of the results.
struct ResultColumn {
  enum ID: Hashable, Sendable {
    case key, shard, encoded
    case field(String)
  }

  let id: ID
  var title: String
  var width: Int
  /// As wide as its widest text.
  var naturalWidth = 0
  /// As wide as its widest value.
  fileprivate var valueWidth = 0
  var x = 0
  var isNumber = false
  var role = Role.text
  var text: (ResultRow) -> String

  /// Less than that tells nothing. A number that is cut is another number; one of an integer has 20 characters at most.
  fileprivate var leastWidth: Int { max(min(naturalWidth, 8), isNumber ? min(valueWidth, 20) : 0) }
  fileprivate var isField: Bool { if case .field = id { true } else { false } }
}

/// The columns of the results: those that there can be, and those that are shown.
struct ResultTable {
  private static let gap = 2

  /// The key, the shard, the fields, the bytes of the encoded document. Fields of the query come first, then those that are indexed, then the
  /// others.
  let all: [ResultColumn]
  /// Of all of them, with their places.
  private(set) var columns: [ResultColumn] = []
  private let choice: [ResultColumn.ID: Bool]

  /// - Parameter choice: columns that are wanted, and those that are not; what it does not name is shown where there is
  ///   room.
  init(_ results: Results, _ schema: SchemaDescription, choice: [ResultColumn.ID: Bool], width: Int) {
    all = Self.columns(of: results, schema)
    self.choice = choice
    place(width)
  }

  /// All but the key, which always stays.
  var choosable: [ResultColumn] { Array(all.dropFirst()) }

  func isShown(_ id: ResultColumn.ID) -> Bool { columns.contains { $0.id == id } }

  /// Columns that somebody has chosen and that have no room.
  var hiddenCount: Int { choosable.count { choice[$0.id] == true && !isShown($0.id) } }

  /// Whether it is shown, or would be if there was room.
  func isWanted(_ id: ResultColumn.ID) -> Bool { choice[id] ?? isShown(id) }

  /// The choice after one column is put into the table or taken from it. The first one begins with what is seen.
  func toggling(_ id: ResultColumn.ID) -> [ResultColumn.ID: Bool] {
    var choice = choice
    for column in choosable where choice[column.id] == nil { choice[column.id] = isShown(column.id) }
    choice[id]?.toggle()
    return choice
  }

  /// Widths come from the whole page, so that scrolling moves nothing.
  private mutating func place(_ width: Int) {
    let gap = Self.gap
    let wanted = all.filter { choice[$0.id] != false }
    let fields = wanted.filter(\.isField)
    var key = all[0]
    key.width = min(max(8, key.width), max(8, width / 2))
    columns = [key]
    var left = width - key.width
    func least(_ columns: [ResultColumn]) -> Int { columns.reduce(0) { $0 + $1.leastWidth + gap } }
    // What somebody has chosen comes before what is there because there is room.
    var reserved = least(fields.filter { choice[$0.id] == true })
    /// A column of fixed width, if it leaves fields so much, or what was chosen of them.
    func take(_ id: ResultColumn.ID, leaving room: Int) -> ResultColumn? {
      guard let column = wanted.first(where: { $0.id == id }),
        left >= column.width + gap + max(reserved, min(room, least(fields)))
      else { return nil }
      left -= column.width + gap
      return column
    }
    let encoded = take(.encoded, leaving: 12)
    if let shard = take(.shard, leaving: 17) { columns.append(shard) }
    // Several narrow columns tell more than one wide one.
    let widthMax = min(28, max(10, width / 4))
    for var column in fields {
      let isChosen = choice[column.id] == true
      if isChosen { reserved -= column.leastWidth + gap }
      guard left - (isChosen ? 0 : reserved) >= column.leastWidth + gap else { continue }
      column.width = max(column.leastWidth, min(column.naturalWidth, widthMax, left - gap - reserved))
      columns.append(column)
      left -= column.width + gap
    }
    // What is left over goes to the first columns that were cut.
    for index in columns.indices where columns[index].isField {
      let more = min(max(0, left), columns[index].naturalWidth - columns[index].width)
      columns[index].width += more
      left -= more
    }
    if let encoded { columns.append(encoded) }
    var x = 0
    for index in columns.indices {
      columns[index].x = x
      x += columns[index].width + gap
    }
  }

  // MARK: All columns

  private static func columns(of results: Results, _ schema: SchemaDescription) -> [ResultColumn] {
    let names = fieldNames(results, schema)
    let key = ResultColumn(
      id: .key, title: "key", width: widest(results.rows, 3) { $0.key.text }, role: .strong, text: { $0.key.text })
    let shard = ResultColumn(
      id: .shard, title: "shard", width: 5, isNumber: true, role: .label, text: { "s\($0.shard)" })
    // Not `size`, which many documents have as a field, nor a name that one of these has.
    let isTaken = names.contains { $0.lowercased() == "encoded" }
    let encoded = ResultColumn(
      id: .encoded, title: isTaken ? "as CBOR" : "encoded", width: 8, isNumber: true, role: .label,
      text: { Format.bytes($0.bytes) })
    return [key, shard] + names.map { field($0, results.rows) } + [encoded]
  }

  private static func field(_ name: String, _ rows: [ResultRow]) -> ResultColumn {
    let values = rows.compactMap { $0.record.value(at: name) }
    let isNumber = !values.isEmpty && values.allSatisfy(\.isNumber)
    let valueWidth = widest(rows, 1) { text($0.record.value(at: name)) }
    let width = max(displayWidth(name), valueWidth)
    return ResultColumn(
      id: .field(name), title: name, width: width, naturalWidth: width, valueWidth: valueWidth, isNumber: isNumber,
      text: { text($0.record.value(at: name)) })
  }

  /// Characters of a value: more than any terminal shows, and few enough to be made for every row of every frame.
  private static let textMax = 512

  private static func text(_ value: Value?) -> String {
    switch value {
    case nil, .null?: ""
    case .array(let elements)?:
      elements.prefix(textMax).map { element in
        if case .string(let text) = element { String(text.prefix(textMax)) } else { element.description }
      }.joined(separator: " ")
    case .string(let text)?: String(text.prefix(textMax))
    case .date?: Format.shortDate(value?.description ?? "")
    case let value?: value.description
    }
  }

  private static func fieldNames(_ results: Results, _ schema: SchemaDescription) -> [String] {
    var names: [String] = []
    if case .query(let query, _) = results.selection {
      names += query.ranges.map(\.field)
      if let field = query.orderBy { names.append(field) }
    }
    if case .unique(let index, _) = results.selection { names.append(index) }
    names += schema.fields.unique + schema.fields.ranges + schema.fields.tags
    var seen = Set(names)
    // Whatever page is shown: a field that only its last document has can be chosen too.
    for row in results.rows {
      for field in row.record.fields where seen.insert(field.name).inserted { names.append(field.name) }
    }
    seen = []
    return names.filter { name in
      seen.insert(name).inserted && results.rows.contains { $0.record.value(at: name) != nil }
    }
  }

  private static func widest(_ rows: [ResultRow], _ least: Int, _ text: (ResultRow) -> String) -> Int {
    rows.reduce(least) { max($0, displayWidth(text($1))) }
  }
}

extension Model {
  /// The table of the results, where it stands now; nil before there are any.
  var resultTable: ResultTable? {
    guard let results = browse.results, !results.rows.isEmpty else { return nil }
    let pane = BrowseLayout(self).rect(of: .results)?.width ?? width
    return ResultTable(results, identity.schema, choice: browse.columns, width: pane - ResultsPanel.columnsBesideTable)
  }

  /// The fields that somebody has chosen for the table, in its order, and how many there are to choose from; nil if nobody has
  /// chosen any.
  var chosenFields: (names: [String], count: Int)? {
    guard !browse.columns.isEmpty, let table = resultTable else { return nil }
    let all = table.choosable.compactMap { column in
      if case .field(let name) = column.id { name } else { nil }
    }
    let wanted = all.filter { browse.columns[.field($0)] == true }
    return wanted.isEmpty ? nil : (wanted, all.count)
  }
}

extension Value {
  fileprivate var isNumber: Bool {
    switch self {
    case .int, .unsigned, .double: true
    default: false
    }
  }
}

extension Format {
  /// `2024-01-31T00:00:00Z` without a time that says nothing.
  static func shortDate(_ text: String) -> String {
    text.hasSuffix("T00:00:00Z") ? String(text.dropLast("T00:00:00Z".count)) : text
  }
}
