import DarkBird

/// How far a workload stays behind a limited rate: of the operations that were due, some were let go, because the store
/// was more than a second late with those before them.
struct Shortfall {
  /// A slow store does few operations, each of them late: over less time the share would jump.
  static let windowNanoseconds: UInt64 = 3_000_000_000
  static let windowNanosecondsMin: UInt64 = 1_000_000_000
  /// Less than that is not worth a word: it rounds to nothing.
  static let toldMin = 0.01

  /// Share of the operations that were due and were not begun, 0...1.
  let missed: Double
  /// The same of writers and of readers; nil where each thread runs the whole mix, or there is but one kind of them.
  private let parts: (writers: Double, readers: Double)?
  /// Operations a second; nil where nobody says which.
  private let rate: Int?

  /// nil while nothing is due: without a limit, while documents are loaded, in a pause, at the end. What was at another
  /// rate, or in another run, does not count.
  init?(_ moment: Moment) {
    let later = moment.sample
    guard let now = later.workload, now.progress.phase == .running else { return nil }
    switch now.options?.rate {
    case .max: return nil
    case .perSecond(let count): rate = count
    case nil: rate = nil
    }
    let start = later.nanoseconds - min(later.nanoseconds, Self.windowNanoseconds)
    let same = moment.history.samples(after: start, through: later.nanoseconds).first {
      guard let then = $0.workload else { return false }
      return then.run == now.run && then.summary == now.summary && then.progress.phase == .running
    }
    guard let earlier = same, later.nanoseconds - earlier.nanoseconds >= Self.windowNanosecondsMin,
      let then = earlier.workload?.progress, now.progress.operations >= then.operations,
      now.progress.skipped >= then.skipped
    else { return nil }
    let skipped = now.progress.skipped - then.skipped
    let due = now.progress.operations - then.operations + skipped
    guard due > 0 else { return nil }
    missed = Double(skipped) / Double(due)
    // Each thread has an equal part of the rate, so that slow writes leave the reads where they were.
    let writersSkipped = now.progress.writersSkipped &- then.writersSkipped
    let writersDue = now.progress.writersOperations &- then.writersOperations &+ writersSkipped
    parts =
      writersDue > 0 && writersDue < due && writersSkipped <= skipped
      ? (
        writers: Double(writersSkipped) / Double(writersDue),
        readers: Double(skipped - writersSkipped) / Double(due - writersDue)
      ) : nil
  }

  /// Less apart than that, one figure tells of both.
  private static let apartMin = 0.1

  /// `writes 97%, reads 0%`: what is missing of the part of each, where that differs much.
  var partsText: String? {
    guard let parts, abs(parts.writers - parts.readers) >= Self.apartMin else { return nil }
    return "writes \(Format.percent(parts.writers)), reads \(Format.percent(parts.readers))"
  }

  /// What is missing of the part that misses most, where the parts differ much; else of all.
  var worst: Double {
    guard let parts, partsText != nil else { return missed }
    return max(parts.writers, parts.readers)
  }

  /// Whether it is worth a word.
  var isTold: Bool { worst >= Self.toldMin }

  /// `38% behind 20.0k/s`: what is missing of all.
  var text: String { "\(Format.percent(missed)) behind \(rate.map { Format.short($0) + "/s" } ?? "its rate")" }
}
