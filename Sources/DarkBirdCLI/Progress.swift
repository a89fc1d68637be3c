import DarkBird
import Foundation

/// How far a long command has come, on standard error: a bar that is drawn over and over on a terminal; elsewhere a line now
/// and then, so that a log tells it too.
final class Progress {
  private static let width = 30
  private let verb: String
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  private var nextUpdate: ContinuousClock.Instant
  private var isVisible = false
  private let interval: Duration

  /// - Parameter verb: what is done, such as "imported".
  init(_ verb: String) {
    self.verb = verb
    isTerminal = isatty(STDERR_FILENO) == 1
    interval = isTerminal ? .milliseconds(100) : .seconds(10)
    // A command that is done at once has nothing to tell.
    nextUpdate = isTerminal ? start : start + interval
  }

  /// - Parameter share: of all that is to be done, 0...1; nil if nobody knows.
  func update(documents: Int, share: Double?) {
    let now = ContinuousClock.now
    guard now >= nextUpdate else { return }
    nextUpdate = now + interval
    let seconds = max(0.001, Double((now - start) / .seconds(1)))
    var facts = ["\(grouped(documents)) documents", "\(grouped(Int(Double(documents) / seconds)))/s"]
    let share = share.map { min(1, max(0, $0)) }
    // What a part of the work took says how long the rest takes.
    if let share, share > 0.01, seconds > 1 { facts.append("\(remaining(seconds * (1 - share) / share)) left") }
    let percent = share.map { "\(Int($0 * 100))%" }
    if isTerminal {
      isVisible = true
      var text = "\r\u{1b}[K"
      if let share, let percent {
        let filled = Int(share * Double(Self.width))
        text += "[\(String(repeating: "#", count: filled))\(String(repeating: "-", count: Self.width - filled))] "
        text += percent + "  "
      }
      _ = writeAll(Array((text + facts.joined(separator: "  ")).utf8), to: STDERR_FILENO)
    } else {
      printNote("\(verb) \(([percent].compactMap { $0 } + facts).joined(separator: ", "))")
    }
  }

  func update(_ progress: JobProgress) {
    update(
      documents: progress.documents,
      share: progress.total.map { $0 == 0 ? 1 : Double(progress.documents) / Double($0) })
  }

  /// Frees the line for a message.
  func clear() {
    guard isVisible else { return }
    isVisible = false
    _ = writeAll(Array("\r\u{1b}[K".utf8), to: STDERR_FILENO)
  }

  private func remaining(_ seconds: Double) -> String {
    let seconds = Int(min(seconds, 1e9).rounded(.up))
    return seconds < 60 ? "\(seconds)s" : "\(seconds / 60)m\(seconds % 60 < 10 ? "0" : "")\(seconds % 60)s"
  }
}
