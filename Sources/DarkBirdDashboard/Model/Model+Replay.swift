import Terminal

/// Seeing what was recorded. The history has what was shown so far, so that going back costs nothing; going on from there
/// begins the recording anew and shows all up to there at once, for alarms, runs and rates stand on what was before.
extension Model {
  /// - Returns: nil if there is no recording, or the command does with it what it does with a live store.
  mutating func performReplay(_ command: Command) -> [Effect]? {
    guard let replay else { return nil }
    switch command {
    case .record:
      browse.notice = "this is a recording already"
      return []
    case .faster: return changeSpeed(1)
    case .slower: return changeSpeed(-1)
    case .replayStart: return seek(to: replay.recording.start)
    case .replayEnd: return seek(to: replay.recording.end)
    case .pause: return pauseOrPlay(replay)
    case .step(let count) where count > 0 && shown?.sequence == history.last?.sequence:
      // Beyond what has been shown there is more in the recording.
      let target = (history.last?.nanoseconds ?? 0) + stepNanoseconds * UInt64(count)
      let effects = seek(to: min(target, replay.recording.end))
      if let last = history.last { time = .paused(last.sequence) }
      return effects
    case .step(let count) where count < 0 && shown?.sequence == history.first?.sequence:
      // As where a tour's store began: what was before it is in the recording.
      guard let first = shown?.nanoseconds, first > replay.recording.start else { return nil }
      let effects = seek(to: max(replay.recording.start, first - min(first, stepNanoseconds * UInt64(-count))))
      if let last = history.last { time = .paused(last.sequence) }
      return effects
    default: return nil
    }
  }

  /// From the end it begins again; after a step back it goes on from there.
  private mutating func pauseOrPlay(_ replay: ReplayState) -> [Effect] {
    if time == .live, !replay.isAtEnd {
      if let last = history.last { time = .paused(last.sequence) }
      return []
    }
    let isBehind = shown?.sequence != history.last?.sequence
    let start = isBehind ? shown?.nanoseconds : replay.isAtEnd ? replay.recording.start : nil
    let effects = start.map { seek(to: $0) } ?? []
    time = .live
    return effects
  }

  /// The player waits while the view is paused, whatever key has done that.
  mutating func keepPlayerInStep() -> [Effect] {
    let wanted = time == .live
    guard let replay, replay.isPlaying != wanted else { return [] }
    self.replay?.isPlaying = wanted
    return [.player(.setPlaying(wanted))]
  }

  private mutating func changeSpeed(_ step: Int) -> [Effect] {
    guard let speed = replay?.speed else { return [] }
    let place = (ReplayState.speeds.firstIndex(of: speed) ?? 0) + step
    let wanted = ReplayState.speeds[min(max(place, 0), ReplayState.speeds.count - 1)]
    replay?.speed = wanted
    return [.player(.setSpeed(wanted))]
  }

  /// - Complexity: O(samples up to there) if that is before what was shown last, some 50 microseconds each.
  private mutating func seek(to nanoseconds: UInt64) -> [Effect] {
    guard let isFromStart = replay?.seek(to: nanoseconds), let number = replay?.seek else { return [] }
    if isFromStart { forgetSamples() }
    time = .live
    play(through: nanoseconds)
    return [.player(.seek(nanoseconds, number: number))]
  }

  /// Shows all that was recorded up to then.
  mutating func play(through nanoseconds: UInt64) {
    while let (sample, lines) = replay?.next(through: nanoseconds) { take(sample, lines) }
  }

  private mutating func forgetSamples() {
    history = History(capacities: history.capacities)
    events.removeAll()
    stillness = Stillness()
    runs = RunBook()
    marks.removeAll { $0.kind == .run }
    var book = AlertBook(rules: alerts.rules)
    book.muted = alerts.muted
    alerts = book
  }
}
