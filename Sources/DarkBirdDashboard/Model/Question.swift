import DarkBird
import Terminal

/// What is done to the store, or to a file, if the answer is yes; it names the document or the file.
enum Question: Hashable, Sendable {
  case remove(RowKey)
  case write(DocumentChange)
  /// A file that an export has the name of.
  case overwrite(ExportRequest, name: String)

  /// What is done, to what, and more about it.
  var words: (verb: String, key: String, rest: String) {
    switch self {
    case .overwrite(_, let name): ("overwrite", name, ", which is there already")
    case .remove(let key): ("remove", key.text, " from the store")
    case .write(.insert(let key, let record)):
      ("insert", key.description, " with \(Format.counted(record.count, "field"))")
    case .write(.replace(let key, let was, let record)): ("change", key.text, ": \(Self.differences(was, record))")
    }
  }

  /// Names of the fields that are not as they were.
  private static func differences(_ was: Record, _ now: Record) -> String {
    var names = now.fields.filter { was[$0.name] != $0.value }.map(\.name)
    names += was.fields.filter { now[$0.name] == nil }.map { "no \($0.name)" }
    return names.isEmpty ? "the order of its fields" : names.joined(separator: ", ")
  }
}

/// Changes of the store, each after a question.
extension Model {
  mutating func askToRemove() {
    guard mayChange() else { return }
    // That which is on the screen, as for the keys that change and copy it.
    guard let row = DocumentPanel.row(self) else {
      browse.notice = "there is no document here"
      return
    }
    browse.question = .remove(row.key)
  }

  /// Whether this dashboard may change documents; if not it says why.
  mutating func mayChange() -> Bool {
    guard hasDocuments() else { return false }
    if !identity.allowsChanges { browse.notice = whoMayChange }
    return identity.allowsChanges
  }

  private var whoMayChange: String {
    if identity.isReadOnly { return "needs 'darkbird open --read-write'" }
    if tour != nil { return "only the tour changes these documents" }
    // 'darkbird run' has no option for it: its documents are what it puts under load.
    if history.last?.workload?.options != nil { return "only the load changes these documents" }
    return "the program has not set allowsChanges"
  }

  mutating func performQuestion(_ command: Command) -> [Effect] {
    guard let question = browse.question else { return [] }
    guard command == .yes || command == .no else { return [] }
    browse.question = nil
    switch question {
    case .remove(let key):
      if command == .yes { return [.ask(.remove(key))] }
      browse.notice = "\(key.text) stays"
    case .write(let change):
      if command == .yes { return [.ask(.write(change))] }
      refuseToWrite(change)
    case .overwrite(var request, let name):
      request.replaces = true
      if command == .yes { return startExport(request) }
      // The line is still there, for another name.
      browse.notice = "\(name) stays as it is"
    }
    return []
  }

  mutating func receiveRemoval(of key: RowKey, _ wasThere: Bool) {
    browse.notice = wasThere ? "\(key.text) is removed" : "\(key.text) was gone already"
    browse.results?.fates[key] = .removed
    if browse.opened?.key == key { browse.opened?.state = .gone }
  }
}
