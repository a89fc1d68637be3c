import Foundation
import Terminal

/// Time: the same keys on every screen.
extension Model {
  /// - Returns: nil if the command has nothing to do with time.
  mutating func performTime(_ command: Command) -> [Effect]? {
    switch command {
    case .pause:
      if case .live = time, let last = history.last { time = .paused(last.sequence) } else { time = .live }
    case .live: time = .live
    case .step(let count): step(count)
    case .widerWindow: window = min(window + 1, Self.windows.count - 1)
    case .narrowerWindow: window = max(window - 1, 0)
    case .previousMark: jump(to: allMarks.last { place(of: $0) < shown?.nanoseconds ?? 0 })
    case .nextMark: jump(to: allMarks.first { place(of: $0) > shown?.nanoseconds ?? .max })
    case .annotate: if let shown { annotation = Annotation(sample: shown.sequence) }
    default: return nil
    }
    return []
  }

  /// What one step is: a sixtieth of the window, a second or more.
  var stepNanoseconds: UInt64 { UInt64(windowSeconds) * 1_000_000_000 / 60 }

  private mutating func step(_ count: Int) {
    guard let shown, let first = history.first, let last = history.last else { return }
    let distance = stepNanoseconds * UInt64(count.magnitude)
    if count < 0 {
      let target = shown.nanoseconds - min(distance, shown.nanoseconds)
      if shown.sequence == first.sequence { browse.notice = "what is kept begins here" }
      time = .paused((history.sample(atOrBefore: target) ?? first).sequence)
    } else {
      time = .paused((history.sample(atOrAfter: shown.nanoseconds + distance) ?? last).sequence)
    }
  }

  /// Shows the moment of a mark, or what is kept that is nearest to it.
  mutating func jump(to mark: Mark?) {
    if let mark { jump(to: mark.nanoseconds) }
  }

  mutating func jump(to nanoseconds: UInt64) {
    guard let sample = sample(near: nanoseconds) else { return }
    time = .paused(sample.sequence)
  }

  private func sample(near nanoseconds: UInt64) -> Sample? { history.sample(atOrAfter: nanoseconds) ?? history.last }

  /// The moment that is shown for a mark. Of long ago few samples are kept: it may lie behind the mark.
  private func place(of mark: Mark) -> UInt64 { sample(near: mark.nanoseconds)?.nanoseconds ?? mark.nanoseconds }

  mutating func performAnnotation(_ command: Command) -> [Effect] {
    guard var annotation else { return [] }
    switch command {
    case .submit:
      self.annotation = nil
      let text = annotation.editor.text.trimmingCharacters(in: .whitespaces)
      guard !text.isEmpty else { return [] }
      guard let sample = annotation.sample.flatMap(history.sample) else {
        browse.notice = "the moment of the note is gone with its store"
        return []
      }
      addMark(.note, at: sample, text)
      return [.note(Sample.Note(nanoseconds: sample.nanoseconds, date: sample.date, text: text))]
    case .cancel: self.annotation = nil
    default:
      _ = annotation.editor.apply(command)
      self.annotation = annotation
    }
    return []
  }
}

/// A note that is being written, for the moment that was shown when it was begun.
struct Annotation: Hashable, Sendable {
  /// Nil if its store was closed meanwhile.
  var sample: Int?
  var editor = LineEditor()
}
