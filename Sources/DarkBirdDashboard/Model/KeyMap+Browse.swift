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
    KeyBinding(
      "brush", [.character("r")], .brush, in: [.browse, .brush], .browse,
      help: "brush over a range field, then over the next", hint: "brush"),
    KeyBinding(
      "columns", [.character("c")], .columns, in: [.browse, .brush, .columns], .browse,
      help: "choose the columns of the results", hint: "columns"),
    KeyBinding(
      "fold", [.character("f")], .fold, in: [.browse], .browse, help: "fold or unfold the part of the document"),
    KeyBinding("fold-all", [.character("F")], .foldAll, in: [.browse], .browse, help: "fold all parts, or none"),
    KeyBinding(
      "save-query", [.character("B")], .saveQuery, in: [.browse], .browse,
      help: "keep the query under a function key, or no more"),
    KeyBinding(
      "copy", [.character("y")], .copy, in: [.browse, .brush], .browse,
      help: "copy the document as JSON, to the terminal's clipboard and to a file"),
    KeyBinding(
      "copy-command", [.character("Y")], .copyCommand, in: [.browse, .brush], .browse,
      help: "copy the query as a command line of the shell", hint: "command"),
    KeyBinding(
      "export", [.character("e")], .export, in: [.browse, .brush], .browse,
      help: "write all results to a file; once more: stop that", hint: "export", keywords: ["csv", "json", "ndjson"]),
    KeyBinding(
      "remove-document", [.character("D")], .removeDocument, in: [.browse], .browse,
      help: "remove the document from the store, after a question"),
    KeyBinding(
      "edit-document", [.character("E")], .editDocument, in: [.browse], .browse,
      help: "change the document in $EDITOR", hint: "edit"),
    KeyBinding(
      "insert-document", [.character("I")], .insertDocument, in: [.browse], .browse,
      help: "a new document in $EDITOR, like this one"),
    KeyBinding(
      "insert-line", [.character("i")], .insertLine, in: [.browse], .browse,
      help: "type a new document in one line of JSON"),
  ]

  static let answering = [
    KeyBinding("yes", [.character("y")], .yes, in: [.question], .browse, help: "yes, do that", hint: "yes"),
    KeyBinding(
      "no", [.character("n"), .escape, .enter], .no, in: [.question], .browse,
      help: "no, leave it as it is", hint: "no"),
  ]

  /// Function keys of saved queries: those that mean nothing else.
  static let savedQueryKeys = [2, 3, 4, 6, 7, 8, 9]

  static let savedQueries = savedQueryKeys.enumerated().map { place, key in
    KeyBinding(
      "saved-\(place + 1)", [.function(key)], .saved(place), in: [.browse], .browse, help: "saved query \(place + 1)")
  }

  /// The brush has the keys of movement for itself.
  static let brushing = [
    KeyBinding(
      "brush-left", [.left, .character("h")], .left, in: [.brush], .brush, help: "move the brush down", hint: "move"),
    KeyBinding("brush-right", [.right, .character("l")], .right, in: [.brush], .brush, help: "move the brush up"),
    KeyBinding(
      "brush-grow", [.shiftRight, .character("+"), .character("=")], .grow(1), in: [.brush], .brush,
      help: "a wider brush", hint: "grow"),
    KeyBinding(
      "brush-shrink", [.shiftLeft, .character("-")], .grow(-1), in: [.brush], .brush, help: "a narrower brush",
      hint: "shrink"),
    KeyBinding(
      "brush-keep", [.enter], .submit, in: [.brush], .brush, help: "close the brush and keep its query", hint: "keep"),
    KeyBinding(
      "brush-cancel", [.escape, .backspace], .cancel, in: [.brush], .brush,
      help: "close the brush; the query is as it was before", hint: "undo"),
    KeyBinding(
      "brush-zoom", [.character("i")], .open, in: [.brush], .brush, help: "only the values below the brush",
      hint: "in"),
    KeyBinding(
      "brush-all", [.character("0")], .brushAll, in: [.brush], .brush, help: "all values of the field", hint: "all"),
  ]
  /// Which columns the results have.
  static let choosing = [
    KeyBinding(
      "toggle-column", [.character(" ")], .toggleColumn, in: [.columns], .columns,
      help: "put the column into the table, or take it away", hint: "on/off"),
    KeyBinding(
      "columns-done", [.enter], .columnsDone, in: [.columns], .columns, help: "done with the columns", hint: "done"),
    KeyBinding(
      "columns-that-fit", [.character("0")], .columnsThatFit, in: [.columns], .columns,
      help: "forget the choice: as many columns as fit", hint: "what fits"),
  ]
}
