import Foundation

/// A line that is typed below the query: the name of a file to export to, or a document to insert.
struct Prompt: Hashable, Sendable {
  enum Kind: Hashable, Sendable {
    case exportName, document

    var label: String {
      switch self {
      case .exportName: "export to "
      case .document: "insert "
      }
    }
  }

  let kind: Kind
  var editor: LineEditor

  /// Without the blanks around it.
  var fileName: String { editor.text.trimmingCharacters(in: .whitespaces) }

  init(_ kind: Kind, _ text: String) {
    self.kind = kind
    editor = LineEditor(
      text, isSuggestion: kind == .exportName, lengthMax: kind == .document ? 64 << 10 : LineEditor.lengthMax)
  }
}
