import DequeModule

/// The event stream as it is shown: a bounded number of lines, a filter, and a place to hold.
struct EventLog: Sendable {
  /// Of ten minutes, three lines ten times a second. Where more come, the older ones become fewer.
  static let capacity = 18_000

  struct Entry: Hashable, Sendable {
    /// Sequence of the sample that brought it.
    var sequence: Int
    var line: EventLine
  }

  private(set) var entries: Deque<Entry> = []
  var filter = ""
  /// The filter while it is being typed; it already acts.
  var editor: LineEditor?
  /// The sample after which nothing is shown, while the stream is held.
  var heldSequence: Int?
  /// Lines that are scrolled away above the first one shown.
  var scroll = 0

  var activeFilter: String { editor?.text ?? filter }

  mutating func append(_ lines: [EventLine], sequence: Int) {
    for line in lines {
      if entries.count == Self.capacity { thin() }
      entries.append(Entry(sequence: sequence, line: line))
    }
  }

  /// Every second line of the older half goes: what is left reaches as far back, and is a sample of what was there.
  private mutating func thin() {
    let half = entries.count / 2
    var kept = Deque<Entry>(minimumCapacity: Self.capacity)
    for (place, entry) in entries.enumerated() where place >= half || place % 2 == 1 { kept.append(entry) }
    entries = kept
  }

  /// Forgets all lines, not what is looked for.
  mutating func removeAll() { (entries, heldSequence, scroll) = ([], nil, 0) }

  /// Lines to show, newest first.
  func lines(through sequence: Int, skip: Int, limit: Int) -> [EventLine] {
    shownEntries(through: sequence, skip: skip, limit: limit).map(\.line)
  }

  /// Lines to show and what brought them, newest first.
  func shownEntries(through sequence: Int, skip: Int, limit: Int) -> [Entry] {
    guard limit > 0 else { return [] }
    let last = min(sequence, heldSequence ?? .max)
    let filter = EventFilter(activeFilter)
    var skipped = 0
    var result: [Entry] = []
    for entry in entries.reversed() where entry.sequence <= last && filter.matches(entry.line) {
      if skipped < skip {
        skipped += 1
        continue
      }
      result.append(entry)
      if result.count == limit { break }
    }
    return result
  }
}
