import DarkBird
import Foundation
import Terminal

/// Documents that are added and changed. What somebody has typed stays until the store has taken it.
extension Model {
  // MARK: In an editor

  /// Goes on with what was typed for this document, or begins with the document as it is now.
  mutating func editDocument() -> [Effect] {
    guard mayChange(), !browse.isEditing, let key = DocumentPanel.row(self)?.key else { return [] }
    return [.ask(.draft(key))]
  }

  /// A new document after the pattern of the one that is selected.
  mutating func insertDocument() -> [Effect] {
    guard mayChange(), !browse.isEditing else { return [] }
    if !takeUpDraft(for: .insert) { browse.draft = Draft(insertAfter: DocumentPanel.row(self)?.record) }
    return openDraft()
  }

  private mutating func openDraft() -> [Effect] {
    guard let draft = browse.draft else { return [] }
    browse.isEditing = true
    return [.edit(EditOrder(text: draft.text, path: draft.path))]
  }

  mutating func receiveDocumentToEdit(_ key: RowKey, _ row: ResultRow?) -> [Effect] {
    // Asked for twice, or before another one was begun: the editor has the terminal, and its file is not to be touched.
    if browse.isEditing { return [] }
    // A question that waits is not to be replaced by another.
    if browse.question != nil || keyContext.isTyping || view != .browse {
      browse.notice = "\(key.text) is not opened while something else is typed"
      return []
    }
    guard let row else {
      fail("\(key.text) is gone")
      return []
    }
    // What was typed is compared with the document as it is now.
    if takeUpDraft(for: .replace(key)) { browse.draft?.base = row.record } else { browse.draft = Draft(replacing: row) }
    return openDraft()
  }

  /// Takes what was typed for this in hand again; what is in hand for another document waits meanwhile.
  /// - Returns: whether something was typed for it.
  private mutating func takeUpDraft(for purpose: Draft.Purpose) -> Bool {
    if browse.draft?.purpose == purpose { return true }
    if let draft = browse.draft, draft.path != nil { browse.draftsAside.append(draft) }
    let place = browse.draftsAside.firstIndex { $0.purpose == purpose }
    browse.draft = place.map { browse.draftsAside.remove(at: $0) }
    return place != nil
  }

  mutating func receiveEdit(_ path: String?, _ outcome: EditOutcome) -> [Effect] {
    browse.isEditing = false
    guard browse.draft != nil else { return [.takeTerminalBack] }
    browse.draft?.path = path
    switch outcome {
    case .typed(let text):
      browse.draft?.text = text
      return [.takeTerminalBack] + askToWrite()
    case .failed(let reason, let text):
      if let text { browse.draft?.text = text }
      fail(reason + howToGoOn)
      return [.takeTerminalBack]
    }
  }

  /// Asks whether what was typed is to be written, if it can be.
  private mutating func askToWrite() -> [Effect] {
    guard let draft = browse.draft else { return [] }
    do {
      guard let change = try draft.change() else {
        browse.notice = "nothing was changed"
        return letGoOfDraft()
      }
      browse.question = .write(change)
    } catch {
      fail(error.description + howToGoOn)
    }
    return []
  }

  private var howToGoOn: String {
    switch browse.draft?.purpose {
    case .insert?: "; \(keyMap.key(of: .insertDocument, in: .browse)): again"
    case .replace?: "; \(keyMap.key(of: .editDocument, in: .browse)): again"
    case nil: ""
    }
  }

  /// Of what the store has taken, whatever is in hand meanwhile.
  private mutating func letGoOfDraft(for purpose: Draft.Purpose) -> [Effect] {
    if browse.draft?.purpose == purpose, !browse.isEditing { return letGoOfDraft() }
    guard let place = browse.draftsAside.firstIndex(where: { $0.purpose == purpose }) else { return [] }
    return browse.draftsAside.remove(at: place).path.map { [.discardDraft($0)] } ?? []
  }

  private mutating func letGoOfDraft() -> [Effect] {
    defer { browse.draft = nil }
    return browse.draft?.path.map { [.discardDraft($0)] } ?? []
  }

  // MARK: In one line

  mutating func openInsertLine() {
    guard mayChange() else { return }
    // Should that fail, its line comes back.
    if browse.typedLine != nil {
      browse.notice = "the store has not taken the document before yet"
      return
    }
    browse.prompt = Prompt(.document, "{\"key\":")
  }

  mutating func submitInsertLine(_ text: String) {
    // The kinds of values that JSON has no form for are those of the document beside it.
    let draft = Draft(insert: text, pattern: DocumentPanel.row(self)?.record)
    do {
      guard let change = try draft.change() else { return }
      browse.prompt = nil
      browse.typedLine = (text, change)
      browse.question = .write(change)
    } catch {
      browse.notice = error.column.map { "column \($0): \(error.reason)" } ?? error.reason
    }
  }

  // MARK: What came of it

  mutating func receiveWritten(_ change: DocumentChange, _ key: RowKey) -> [Effect] {
    var effects: [Effect] = []
    switch change {
    case .insert:
      browse.notice = "\(key.text) is inserted"
      if browse.typedLine?.change == change {
        browse.typedLine = nil
      } else {
        effects = letGoOfDraft(for: .insert)
      }
    case .replace:
      browse.notice = "\(key.text) is changed"
      browse.results?.fates[key] = .changed
      effects = letGoOfDraft(for: .replace(key))
    }
    browse.opened = OpenedDocument(key: key)
    browse.focus = .document
    resetDocument()
    return effects + [.ask(.document(key))]
  }

  /// What was typed comes back: the line at once, a text with the next key.
  mutating func receiveWriteFailure(_ change: DocumentChange, _ message: String) {
    switch change {
    case .insert where browse.typedLine?.change == change:
      reopenInsertLine()
      browse.notice = "not inserted: \(message)"
    case .insert: fail("not inserted: \(message)\(howToGoOn)")
    case .replace: fail("not changed: \(message)\(howToGoOn)")
    }
  }

  mutating func refuseToWrite(_ change: DocumentChange) {
    switch change {
    case .insert where browse.typedLine?.change == change: reopenInsertLine()
    case .insert: browse.notice = "not inserted\(howToGoOn)"
    case .replace(let key, _, _): browse.notice = "\(key.text) stays as it is\(howToGoOn)"
    }
  }

  private mutating func reopenInsertLine() {
    browse.prompt = browse.typedLine.map { Prompt(.document, $0.text) }
    browse.typedLine = nil
  }

  mutating func fail(_ text: String) { browse.error = QueryError(text, token: "", column: 0) }
}
