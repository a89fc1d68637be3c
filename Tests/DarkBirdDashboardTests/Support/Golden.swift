import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

/// Pictures that were looked at and found good. `DARKBIRD_RECORD_GOLDENS=1` writes them anew.
enum Golden {
  static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .appending(path: "Goldens")

  static var isRecording: Bool { ProcessInfo.processInfo.environment["DARKBIRD_RECORD_GOLDENS"] == "1" }

  /// Text rows between bars, so that blanks at their ends can be seen, then the rows of styles with their legend.
  static func text(_ canvas: Canvas) -> String {
    let rows = canvas.lines.map { "|" + $0 + "|" } + [""] + canvas.styleLines
    return rows.joined(separator: "\n") + "\n"
  }

  static func expect(_ canvas: Canvas, _ name: String) throws {
    let file = folder.appending(path: name + ".txt")
    let found = text(canvas)
    if isRecording {
      try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      try found.write(to: file, atomically: true, encoding: .utf8)
      return
    }
    guard let expected = try? String(contentsOf: file, encoding: .utf8) else {
      Issue.record("no picture \(name): look at the new one and record it with DARKBIRD_RECORD_GOLDENS=1\n\(found)")
      return
    }
    guard found != expected else { return }
    let old = expected.split(separator: "\n", omittingEmptySubsequences: false)
    let new = found.split(separator: "\n", omittingEmptySubsequences: false)
    let row = zip(old, new).enumerated().first { $0.element.0 != $0.element.1 }
    let difference = row.map { "row \($0.offset):\n  was \($0.element.0)\n  is  \($0.element.1)" } ?? "another length"
    Issue.record("picture \(name) has changed, \(difference)\n\(canvas.lines.joined(separator: "\n"))")
  }
}
