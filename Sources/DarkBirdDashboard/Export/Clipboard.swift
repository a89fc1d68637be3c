import Foundation
import Terminal

/// The clipboard of the terminal, where it has one that programs may set, and in any case a file.
enum Clipboard {
  /// - Returns: what was done, for people.
  static func copy(_ text: String, to screen: CursesScreen, _ state: StateDirectory) -> String {
    let isSent = screen.copy(text)
    let file = state.keep(copied: text)
    let size = Format.bytes(text.utf8.count)
    // Short: the line may have no more than 40 columns.
    let home = NSHomeDirectory() + "/"
    let path = file.map { $0.hasPrefix(home) ? "~/" + $0.dropFirst(home.count) : $0 }
    switch (isSent, path) {
    case (true, let path?): return "\(size) copied; no clipboard? \(path)"
    case (true, nil): return "\(size) copied, if the terminal has a clipboard; \(state.path) cannot be written"
    case (false, let path?): return "\(size) are in \(path): too much for a clipboard"
    case (false, nil): return "\(size) are too much for a clipboard, and \(state.path) cannot be written"
    }
  }
}
