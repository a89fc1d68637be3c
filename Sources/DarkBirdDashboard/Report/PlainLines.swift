import DarkBird
import DequeModule
import Terminal

/// What changes, a line each, in plain words: for screen readers, logs and terminals that cannot draw.
struct PlainLines {
  /// A rate is news when it differs by so much from the one that was told last.
  static let rateChangeMin = 0.25
  /// Writes that fall while reads rise are news too, but few of them waver by chance.
  static let partMin = 0.05
  /// No two lines of figures come closer than this.
  static let figuresNanosecondsMin: UInt64 = 1_000_000_000
  /// Events in a second of which each has a line: more are not read, nor heard.
  static let eventsMax: UInt64 = 5
  private static let eventsNanoseconds: UInt64 = 1_000_000_000
  /// While there are more, the figures tell of them; how many there were is told so often, and at the end.
  static let rushNanoseconds: UInt64 = 60_000_000_000
  /// Columns of a key, and of what stands behind it; four times as many scalars, for marks need no column.
  private static let (keyMax, detailMax) = (80, 160)

  private var toldRate: Double?
  private var toldWrites = 0.0
  private var toldDocuments: Int?
  private var toldRefusals = false
  private var toldAt: UInt64 = 0
  private var alarms: Set<Int> = []
  private var marks = 0
  private var before: StoreStatistics.Log?
  /// Events so far; nil before the first sample.
  private var counted: UInt64?
  /// When the second began that has had so many events.
  private var second: UInt64 = 0
  private var eventsInSecond: UInt64 = 0
  /// Events without a line that were not told of yet, and when such events last were.
  private var unlisted: UInt64 = 0
  private var rushTold: UInt64?

  /// What is news in the model's newest sample.
  /// - Parameter events: the lines that came with it.
  mutating func take(_ model: Model, _ events: [EventLine] = []) -> [String] {
    guard let moment = Moment(model) else { return [] }
    let sample = moment.sample
    var news: [String] = []
    for mark in model.marks.suffix(model.marksAdded - marks) { news.append(mark.text) }
    marks = model.marksAdded
    for line in SampleComposer.logLines(before, sample.statistics.log, sample.date) { news.append(line.detail) }
    before = sample.statistics.log
    news += alarmNews(model, sample.nanoseconds)
    news += eventNews(sample, events, model.glyphs)
    if let figures = figures(moment) { news.append(figures) }
    return news.map { Format.clock(sample.date, in: model.zone) + " " + Self.harmless($0) }
  }

  private mutating func alarmNews(_ model: Model, _ now: UInt64) -> [String] {
    var news: [String] = []
    for episode in model.alerts.episodes {
      if episode.end == nil, alarms.insert(episode.id).inserted {
        news.append((episode.rule.severity == .critical ? "ALARM " : "warning ") + episode.text)
      } else if let end = episode.end, alarms.remove(episode.id) != nil {
        let lasted = Format.span(nanoseconds: end - min(episode.start, end))
        news.append("over after \(lasted): \(episode.rule.measure.title)")
      }
    }
    return news
  }

  /// Each event while there are few, else how many there were once they are few again.
  private mutating func eventNews(_ sample: Sample, _ lines: [EventLine], _ glyphs: GlyphTier) -> [String] {
    // What becomes of the log is told anyway.
    let lines = lines.filter { $0.kind != .rotation && $0.kind != .checkpoint }
    // Another store begins to count anew.
    let new = counted.map { sample.eventsCounted - min($0, sample.eventsCounted) } ?? UInt64(lines.count)
    counted = sample.eventsCounted
    var news: [String] = []
    let now = sample.nanoseconds
    if now >= second + Self.eventsNanoseconds {
      let isRush = eventsInSecond > Self.eventsMax
      if !isRush || rushTold.map({ now >= $0 + Self.rushNanoseconds }) ?? true { news += tellUnlisted(at: now) }
      (second, eventsInSecond) = (now, 0)
    }
    eventsInSecond += new
    if unlisted == 0, eventsInSecond <= Self.eventsMax, lines.count == new {
      news += lines.map { Self.words($0, glyphs) }
    } else {
      unlisted += new
    }
    if sample.workload?.progress.phase == .finished { news += tellUnlisted(at: now) }
    return news
  }

  private mutating func tellUnlisted(at nanoseconds: UInt64) -> [String] {
    guard unlisted > 0 else { return [] }
    defer { (unlisted, rushTold) = (0, nanoseconds) }
    return ["\(Format.counted(Int(clamping: unlisted), "event")), not listed one by one"]
  }

  /// `new ada in shard 3, age=34 club=Ajax, 312 B`.
  private static func words(_ line: EventLine, _ glyphs: GlyphTier) -> String {
    var what = line.kind.word
    if !line.key.isEmpty { what += " " + clipped(line.key, keyMax, glyphs) }
    if let shard = line.shard { what += " in shard \(shard)" }
    let rest = [clipped(line.detail, detailMax, glyphs), line.bytes.map { Format.bytes($0) } ?? ""]
    return ([what] + rest.filter { !$0.isEmpty }).joined(separator: ", ")
  }

  private static func clipped(_ text: String, _ columns: Int, _ glyphs: GlyphTier) -> String {
    let scalars = text.unicodeScalars.prefix(columns * 4)
    let isWhole = scalars.endIndex == text.unicodeScalars.endIndex
    return Format.clipped(isWhole ? text : String(scalars) + glyphs.ellipsis, columns, glyphs)
  }

  /// How many events had no line, at the end.
  mutating func end(_ model: Model) -> [String] {
    guard let sample = model.history.last else { return [] }
    return tellUnlisted(at: sample.nanoseconds).map { Format.clock(sample.date, in: model.zone) + " " + $0 }
  }

  /// Documents and operations, if they differ enough from what was told.
  private mutating func figures(_ moment: Moment) -> String? {
    let statistics = moment.sample.statistics
    guard let rates = moment.rates else { return nil }
    if toldRate != nil, moment.sample.nanoseconds < toldAt + Self.figuresNanosecondsMin { return nil }
    // Of a second in which documents were loaded and operations began, neither figure is true.
    if moment.sample.workload?.progress.phase != rates.earlier.workload?.progress.phase { return nil }
    let (writes, reads) = (rates.perSecond { $0.operations.writes }, rates.perSecond { $0.operations.reads })
    let rate = writes + reads
    let refused = rates.perSecond { $0.operations.duplicatesRefused }
    let isRateNews =
      toldRate.map { told in
        abs(rate - told) > Self.rateChangeMin * max(told, rate)
          || abs(writes - toldWrites) > max(Self.rateChangeMin * max(toldWrites, writes), Self.partMin * rate)
      } ?? true
    // With a rate that was told, a number that changes a little is no news.
    let isCountNews = rate == 0 ? statistics.documents != toldDocuments : toldDocuments == nil
    let isRefusing = refused > Self.partMin * rate
    guard isRateNews || isCountNews || isRefusing != toldRefusals else { return nil }
    (toldRate, toldWrites) = (rate, writes)
    (toldDocuments, toldRefusals, toldAt) = (statistics.documents, isRefusing, moment.sample.nanoseconds)
    var text = "\(Format.grouped(statistics.documents)) documents"
    if moment.sample.workload?.progress.isLoading == true, rate > 0 {
      text += ", loading \(Format.rate(rate)) a second"
    } else if rate > 0 {
      text += ", \(Format.rate(rate)) operations a second, \(Format.rate(writes)) of them writes"
    } else if refused == 0 {
      text += ", quiet"
    }
    if refused > 0 { text += ", \(Format.rate(refused)) duplicates refused a second" }
    if let log = statistics.log, log.durableLagNanoseconds > 0 {
      text += ", log lag \(Format.time(nanoseconds: log.durableLagNanoseconds))"
    }
    return text
  }

  /// Texts of a store may have anything in them; a terminal must not see escapes, nor more than one line.
  static func harmless(_ text: String) -> String {
    String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { scalar in
          switch scalar.properties.generalCategory {
          case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate, .privateUse: "\u{FFFD}"
          default: scalar
          }
        }))
  }
}

extension EventLine.Kind {
  /// What the stream has three letters for.
  fileprivate var word: String {
    switch self {
    case .insert: "new"
    case .put: "changed"
    case .remove: "removed"
    case .clear: "cleared"
    case .rotation: "page"
    case .checkpoint: "checkpoint"
    case .duplicate: "duplicate"
    case .gap: "lost"
    }
  }
}
