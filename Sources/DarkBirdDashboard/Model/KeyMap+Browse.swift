import Terminal

/// Keys of the view that browses.
extension KeyMap {
  static let browsing = [
    KeyBinding(
      "query", [.character("/")], .query, in: [.browse], .browse, help: "type a query", hint: "query"),
    KeyBinding(
      "open", [.enter], .open, in: [.browse], .browse, help: "open a document or an index", hint: "open"),
    KeyBinding(
      "refresh", [.function(5)], .refresh, in: [.browse], .browse, help: "ask again; results are held until then",
      hint: "again"),
    KeyBinding(
      "sort", [.character("s")], .sort, in: [.browse], .browse, help: "sort by the next range field, or not at all",
      hint: "sort"),
    KeyBinding("reverse", [.character("S")], .reverse, in: [.browse], .browse, help: "reverse the order"),
  ]
}
