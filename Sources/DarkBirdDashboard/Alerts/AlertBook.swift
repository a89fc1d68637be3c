import DequeModule
import Foundation

/// The rules, which of them hold at the moment, and what has happened so far.
struct AlertBook: Sendable {
  /// One time that something was wrong for long enough.
  struct Episode: Hashable, Sendable, Identifiable {
    /// Counts up by one.
    let id: Int
    let rule: AlertRule
    /// When it became wrong, not when the sustained time was over.
    let start: UInt64
    let date: Date
    /// When it was right again; nil while it is not.
    var end: UInt64?
    var worst: Double
    /// The alarm as it was when it was told, with its reason.
    let text: String
    /// The same for a mark, which stands at the start.
    let markText: String

    func isActive(at nanoseconds: UInt64) -> Bool {
      start + rule.sustainedNanoseconds <= nanoseconds && end.map { nanoseconds < $0 } ?? true
    }
  }

  /// Where a rule stands.
  enum State: Hashable, Sendable {
    /// Nothing to measure yet.
    case unknown
    case ok
    /// Wrong since then, not yet for long enough.
    case pending(since: UInt64)
    /// Wrong since then, and for long enough.
    case firing(since: UInt64)
  }

  static let episodesMax = 200
  /// A value must be right for so long before an alarm ends, or one that wavers about its threshold would come and go.
  static let clearNanoseconds: UInt64 = 2_000_000_000

  let rules: [AlertRule]
  /// By the rules' places.
  private(set) var states: [State]
  private var clearSince: [UInt64?]
  private(set) var values: [Double?]
  /// Oldest first.
  private(set) var episodes: Deque<Episode> = []
  private var nextID = 0
  /// Names of rules that nobody wants to hear of for now.
  var muted: Set<String> = []

  init(rules: [AlertRule] = AlertRule.standard) {
    self.rules = rules
    states = Array(repeating: .unknown, count: rules.count)
    clearSince = Array(repeating: nil, count: rules.count)
    values = Array(repeating: nil, count: rules.count)
  }

  /// Looks at the newest sample.
  /// - Complexity: O(rules + shards).
  mutating func update(at moment: Moment) {
    let now = moment.sample.nanoseconds
    for (place, rule) in rules.enumerated() {
      let value = rule.value(at: moment)
      values[place] = value
      guard let value else {
        // What cannot be measured any more is not known to be wrong: a kind of operation that has ended, for instance.
        end(place, at: now)
        states[place] = .unknown
        continue
      }
      if value > rule.limit(at: moment) {
        becomeWrong(place, value, moment)
      } else {
        becomeRight(place, at: now)
      }
    }
  }

  private mutating func becomeWrong(_ place: Int, _ value: Double, _ moment: Moment) {
    let now = moment.sample.nanoseconds
    let rule = rules[place]
    clearSince[place] = nil
    switch states[place] {
    case .firing:
      if let open = openEpisode(rule) { episodes[open].worst = max(episodes[open].worst, value) }
      return
    case .pending: break
    case .unknown, .ok: states[place] = .pending(since: now)
    }
    guard case .pending(let since) = states[place], now - since >= rule.sustainedNanoseconds else { return }
    states[place] = .firing(since: since)
    // Not one that goes on: it would not come again before it has ended.
    if episodes.count >= Self.episodesMax, let over = episodes.firstIndex(where: { $0.end != nil }) {
      episodes.remove(at: over)
    }
    let date = moment.sample.date.addingTimeInterval(-Double(now - since) / 1e9)
    episodes.append(
      Episode(
        id: nextID, rule: rule, start: since, date: date, worst: value,
        text: rule.text(at: moment, lasting: now - since),
        markText: rule.text(at: moment, lasting: now - since, "after")))
    nextID += 1
  }

  private mutating func becomeRight(_ place: Int, at now: UInt64) {
    guard case .firing = states[place] else {
      states[place] = .ok
      return
    }
    let since = clearSince[place] ?? now
    clearSince[place] = since
    guard now - since >= Self.clearNanoseconds else { return }
    end(place, at: since)
    states[place] = .ok
  }

  private mutating func end(_ place: Int, at nanoseconds: UInt64) {
    clearSince[place] = nil
    if let open = openEpisode(rules[place]) { episodes[open].end = nanoseconds }
  }

  private func openEpisode(_ rule: AlertRule) -> Int? {
    episodes.lastIndex { $0.rule.name == rule.name && $0.end == nil }
  }

  /// Whether nothing is wrong, nor about to be.
  var isQuiet: Bool {
    states.allSatisfy { state in
      switch state {
      case .unknown, .ok: true
      case .pending, .firing: false
      }
    }
  }

  /// Whether a measure is wrong now, for long enough.
  func isFiring(_ measure: AlertRule.Measure) -> Bool {
    zip(rules, states).contains { rule, state in
      if case .firing = state { rule.measure == measure } else { false }
    }
  }

  /// Where a rule stood at a moment that is over, with its value then.
  func standing(_ place: Int, at moment: Moment) -> (state: State, value: Double?) {
    let (rule, now) = (rules[place], moment.sample.nanoseconds)
    let value = rule.value(at: moment)
    if let episode = episodes.last(where: { $0.rule.name == rule.name && $0.isActive(at: now) }) {
      return (.firing(since: episode.start), value)
    }
    guard let value else { return (.unknown, nil) }
    guard value > rule.limit(at: moment) else { return (.ok, value) }
    // It may have become an alarm later; otherwise nobody knows any more since when.
    let since = episodes.last { $0.rule.name == rule.name && $0.start <= now && $0.end.map { now < $0 } ?? true }?.start
    return (.pending(since: since ?? now), value)
  }

  /// What is wrong at one moment and wanted to be heard of, the worst first.
  func active(at nanoseconds: UInt64) -> [Episode] {
    episodes.filter { $0.isActive(at: nanoseconds) && !muted.contains($0.rule.name) }
      .sorted { ($1.rule.severity.rawValue, $0.start) < ($0.rule.severity.rawValue, $1.start) }
  }
}
