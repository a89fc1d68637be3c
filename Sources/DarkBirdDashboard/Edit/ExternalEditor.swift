import Foundation
import Synchronization
import Terminal

/// A text on its way to the user's editor.
struct EditOrder: Hashable, Sendable {
  var text: String
  /// The file that has it already; nil for a new one.
  var path: String?
}

/// What the editor has left.
enum EditOutcome: Hashable, Sendable {
  case typed(String)
  /// Why it is not to be taken, and what is in the file all the same.
  case failed(String, text: String?)
}

/// Runs `$VISUAL`, `$EDITOR` or vi on a file, with the terminal for itself. The file stays until its text has been taken.
final class ExternalEditor: Sendable {
  private static let textBytesMax = 16 << 20

  private let directory: String
  private let number = Atomic<Int>(0)
  private let begin: @Sendable (_ path: String) -> Void
  private let deliver: @Sendable (_ path: String?, EditOutcome) -> Void

  /// - Parameter begin: told of the file as soon as there is one: the program may be ended before the editor is.
  init(
    _ state: StateDirectory, begin: @escaping @Sendable (_ path: String) -> Void,
    deliver: @escaping @Sendable (_ path: String?, EditOutcome) -> Void
  ) {
    directory = state.path
    self.begin = begin
    self.deliver = deliver
  }

  /// Gives the terminal away until the editor ends; what comes of it is delivered, and somebody has to take the terminal back.
  func edit(_ order: EditOrder, on screen: CursesScreen) {
    let path: String
    do { path = try order.path ?? newFile() } catch {
      return deliver(nil, .failed("the editor can have no file: \(Self.message(error))", text: nil))
    }
    begin(path)
    do {
      // Not atomically: the file keeps its permissions.
      try Data(order.text.utf8).write(to: URL(filePath: path))
      let editor = Self.editor
      // The editor may be several words, the name of the file may have blanks, and signals go to the editor itself.
      try screen.lend(to: ["/bin/sh", "-c", "exec \(editor) \"$@\"", editor, path]) { [deliver] end in
        deliver(path, Self.outcome(end, editor, path))
      }
    } catch {
      deliver(path, .failed("the editor cannot be started: \(Self.message(error))", text: order.text))
    }
  }

  private static var editor: String {
    let environment = ProcessInfo.processInfo.environment
    return ["VISUAL", "EDITOR"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? "vi"
  }

  /// Nobody else may read it: documents are private.
  private func newFile() throws -> String {
    try? FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
    while true {
      let count = number.add(1, ordering: .relaxed).newValue
      let path = "\(directory)/draft-\(ProcessInfo.processInfo.processIdentifier)-\(count).json"
      let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
      // Numbers of processes come back: that is what another one left for somebody.
      if file < 0, errno == EEXIST { continue }
      guard file >= 0 else { throw DraftFileError(path: path, errorNumber: errno) }
      close(file)
      return path
    }
  }

  private static func outcome(_ end: GuestEnd, _ editor: String, _ path: String) -> EditOutcome {
    let text = read(path)
    switch end {
    case .exited(0):
      return text.map(EditOutcome.typed) ?? .failed("\(path): there is no text in UTF-8 any more", text: nil)
    case .exited(127): return .failed("there is no editor '\(editor)': set EDITOR", text: text)
    case .exited(126): return .failed("the editor '\(editor)' cannot be run", text: text)
    case .exited(let code): return .failed("the editor has ended with code \(code)", text: text)
    case .signaled(let number): return .failed("the editor was ended by signal \(number)", text: text)
    }
  }

  private static func read(_ path: String) -> String? {
    guard let data = try? Data(contentsOf: URL(filePath: path)), data.count <= textBytesMax else { return nil }
    return String(validating: data, as: UTF8.self)
  }

  private static func message(_ error: any Error) -> String {
    switch error {
    case let error as DraftFileError: error.description
    case let error as TerminalError: error.description
    default: error.localizedDescription
    }
  }
}

/// Why the file of a text could not be written.
private struct DraftFileError: Error, CustomStringConvertible {
  var path: String
  var errorNumber: Int32

  var description: String { "\(path): \(String(cString: strerror(errorNumber)))" }
}
