/// The sample that is shown and what panels compare it with.
struct Moment {
  let history: History
  let sample: Sample
  /// Over the last second; nil until there are two samples.
  let rates: Rates?
  let windowNanoseconds: UInt64

  init?(_ model: Model) {
    guard let sample = model.shown else { return nil }
    self.init(model.history, at: sample, windowSeconds: model.windowSeconds)
  }

  init(_ history: History, at sample: Sample, windowSeconds: Int) {
    self.history = history
    self.sample = sample
    rates = Rates(history, at: sample)
    windowNanoseconds = UInt64(windowSeconds) * 1_000_000_000
  }

  /// The ends of `count` equal parts of the window, oldest first. They lie on multiples of their length, so that a graph
  /// moves by whole columns; the part that is not over yet is not among them.
  func columns(_ count: Int) -> [(start: UInt64, end: UInt64)?] {
    guard count > 0 else { return [] }
    let length = length(count)
    let last = sample.nanoseconds / length
    return (0..<count).map { column in
      let back = UInt64(count - 1 - column)
      guard last > back else { return nil }
      return ((last - back - 1) * length, (last - back) * length)
    }
  }

  /// Nanoseconds that `count` columns reach back.
  func reach(_ count: Int) -> UInt64 { count > 0 ? length(count) * UInt64(count) : 0 }

  /// No shorter than the interval of the sampler, or there would be columns without a sample.
  private func length(_ count: Int) -> UInt64 { max(100_000_000, windowNanoseconds / UInt64(max(1, count))) }

  /// How fast things went in one column of a graph.
  struct Slope {
    let earlier: History.Point
    let later: History.Point

    /// A counter's rise a second.
    func perSecond(_ counter: (History.Point) -> UInt64) -> Double {
      let (before, after) = (counter(earlier), counter(later))
      return after > before ? Double(after - before) * 1e9 / Double(later.nanoseconds - earlier.nanoseconds) : 0
    }
  }

  /// What `value` makes of each column; nil where there are no samples.
  func columns<Value>(_ count: Int, _ value: (Slope) -> Value) -> [Value?] {
    columns(count).map { span in
      guard let span, let earlier = history.point(atOrBefore: span.start),
        var later = history.point(atOrBefore: span.end)
      else { return nil }
      // Of the past there are fewer samples than a short window has columns: those between two show what lies between.
      if later.nanoseconds == earlier.nanoseconds {
        guard let next = history.point(atOrAfter: span.end + 1) else { return nil }
        later = next
      }
      return value(Slope(earlier: earlier, later: later))
    }
  }
}
