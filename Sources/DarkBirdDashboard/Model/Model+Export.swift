import DarkBird
import Foundation
import Terminal

/// Documents on their way out of the store: to a file and to the clipboard.
extension Model {
  mutating func startOrStopExport() -> [Effect] {
    if let id = browse.exportJob { return cancel(id) }
    guard hasDocuments(), browse.results != nil else { return [] }
    let format = browse.exportFormat ?? (chosenFields == nil ? .ndjson : .csv)
    browse.prompt = Prompt(.exportName, browse.exportName ?? "\(fileName).\(format.rawValue)")
    return []
  }

  mutating func performPrompt(_ command: Command) -> [Effect] {
    guard let prompt = browse.prompt else { return [] }
    switch command {
    case .cancel: browse.prompt = nil
    case .submit where prompt.kind == .document: submitInsertLine(prompt.editor.text)
    case .submit: return checkExport(to: prompt.fileName)
    default: _ = browse.prompt?.editor.apply(command)
    }
    return []
  }

  /// The line stays until it is known whether the name is free.
  private mutating func checkExport(to name: String) -> [Effect] {
    guard !name.isEmpty else { return [] }
    guard DocumentFormat(path: name) != nil else {
      browse.notice = "the end of the name says the form: .json, .ndjson or .csv"
      return []
    }
    return exportRequest(to: name).map { [.checkExport($0)] } ?? []
  }

  /// Of the results as they are now.
  private func exportRequest(to name: String) -> ExportRequest? {
    guard let selection = browse.results?.selection, let format = DocumentFormat(path: name) else { return nil }
    return ExportRequest(
      selection: selection, path: expandedPath(name), format: format,
      fields: format == .csv ? chosenFields?.names ?? [] : [])
  }

  /// What will be in the file that is typed, so that nobody finds out afterwards.
  var exportHint: String? {
    guard let prompt = browse.prompt, prompt.kind == .exportName, let format = DocumentFormat(path: prompt.fileName)
    else { return nil }
    guard format == .csv else { return "whole documents" }
    let columns = chosenFields.map { "\($0.names.count) columns of \($0.count)" } ?? "all fields"
    return columns + ", header with types: age:int"
  }

  mutating func receive(_ target: ExportTarget, of request: ExportRequest) -> [Effect] {
    // The line may have been left or changed meanwhile.
    guard let prompt = browse.prompt, prompt.kind == .exportName, browse.question == nil,
      exportRequest(to: prompt.fileName) == request
    else { return [] }
    switch target {
    case .nothing: return startExport(request)
    case .file: browse.question = .overwrite(request, name: prompt.fileName)
    case .other: browse.notice = "\(prompt.fileName) is there already, and is not a file"
    }
    return []
  }

  mutating func startExport(_ request: ExportRequest) -> [Effect] {
    guard let name = browse.prompt?.fileName else { return [] }
    browse.prompt = nil
    browse.exportName = name
    browse.exportFormat = request.format
    let id = jobs.begin("export", name, at: history.last?.date)
    browse.exportJob = id
    return [.export(id: id, request)]
  }

  mutating func copyDocument() -> [Effect] {
    guard hasDocuments(), let row = DocumentPanel.row(self) else { return [] }
    return [.copy(ExportText.json(key: row.key.value, document: row.record))]
  }

  /// The view as a command line that prints the same documents.
  mutating func copyCommand() -> [Effect] {
    guard hasDocuments(), let selection = browse.results?.selection else { return [] }
    guard let directory = identity.directory, !identity.isTemporary else {
      let store = identity.isTemporary ? "a temporary store" : "a store in memory"
      browse.notice = "\(store) ends with its program: no command can ask it"
      return []
    }
    // Whoever writes has the store for itself.
    if !identity.isReadOnly { browse.copyRemark = "works after this program" }
    let line = QueryLine.text(selection)
    var words = ["darkbird", "query", directory]
    if !line.isEmpty { words.append("--where=" + line) }
    // A name with a comma in it would be two.
    if let names = chosenFields?.names, !names.contains(where: { $0.contains(",") }) {
      words.append("--fields=" + names.joined(separator: ","))
    }
    return [.copy(words.map(ExportText.shell).joined(separator: " "))]
  }

  /// What came of a copy, and then what there is to say of it.
  mutating func receiveNotice(_ text: String) {
    browse.notice = text + (browse.copyRemark.map { "; " + $0 } ?? "")
    browse.copyRemark = nil
  }

  /// A recording has none: says so.
  mutating func hasDocuments() -> Bool {
    if replay != nil { browse.notice = "a recording has no documents" }
    return replay == nil
  }
}
