/// The recording that is shown, and how far.
struct ReplayState: Sendable {
  static let speeds = [1, 2, 5, 10, 30, 60]

  let recording: Recording
  var speed = 1
  var isPlaying = true
  /// The number of the last seek: what the player had reached before it is of no interest any more.
  private(set) var seek = 0
  private var reader: RecordingReader

  init(_ recording: Recording) {
    self.recording = recording
    reader = recording.samples
  }

  /// Samples that have been shown.
  var count: Int { reader.count }
  var isAtEnd: Bool { count == recording.times.count }

  /// The next sample that was taken up to then.
  mutating func next(through nanoseconds: UInt64) -> (sample: Sample, lines: [EventLine])? {
    guard !isAtEnd, recording.times[count] <= nanoseconds else { return nil }
    // It was read before, without an error.
    return (try? reader.next()) ?? nil
  }

  /// Goes to a moment: on from here, or from the beginning if that is earlier, because each sample stands on the one before.
  /// - Returns: whether from the beginning.
  mutating func seek(to nanoseconds: UInt64) -> Bool {
    seek += 1
    guard count > 0, recording.times[count - 1] > nanoseconds else { return false }
    reader = recording.samples
    return true
  }
}
