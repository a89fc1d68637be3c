import Terminal

/// Choosing the columns of the results. The choice stays until the program ends, whatever is asked for and however the
/// screen is laid out.
extension Model {
  /// Whether the list of columns lies over the results.
  var isChoosingColumns: Bool { view == .browse && helpScroll == nil && browse.columnPicker != nil }

  mutating func openColumnPicker() {
    guard hasDocuments() else { return }
    guard resultTable != nil else {
      browse.notice = "no documents, so no columns to choose from"
      return
    }
    browse.focus = .results
    browse.columnPicker = 0
  }

  mutating func performColumns(_ command: Command) -> [Effect] {
    guard let selected = browse.columnPicker else { return [] }
    let columns = resultTable?.choosable ?? []
    switch command {
    case .columns, .columnsDone, .back: browse.columnPicker = nil
    case .columnsThatFit: browse.columns = [:]
    case .toggleColumn:
      // Another page may have fewer of them.
      guard let column = columns.indices.contains(selected) ? columns[selected] : columns.last else { return [] }
      if let choice = resultTable?.toggling(column.id) { browse.columns = choice }
    default:
      let page = ColumnPicker.rows(self)?.height ?? 1
      browse.columnPicker = Scroll.selected(selected, by: command, page: page, count: columns.count)
    }
    return []
  }
}
