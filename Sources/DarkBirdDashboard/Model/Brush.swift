import DarkBird

/// The part of a range field that the query is about, moved over the field's histogram.
struct Brush: Sendable {
  var field: String
  /// The part of the field that the histogram is of; nil for all of it.
  var span: ValueSpan?
  var isLoading = true
  /// nil while it is loading, and where there is nothing to draw.
  private(set) var histogram: RangeHistogram?
  /// The buckets below it.
  private(set) var buckets = 0..<1
  /// The results from before it moved, for whoever takes that back; nil as long as those are shown.
  var before: Results?
  /// What the query asked for when the histogram came, nil for nothing, and the buckets of that: an end that has not been
  /// moved away from there is still the one that was written.
  private var written: IndexRange?
  private var writtenBuckets = 0..<1

  init(field: String, before: Results? = nil) {
    self.field = field
    self.before = before
  }

  /// - Parameter range: what the query asks for now; nil for everything.
  mutating func show(_ histogram: RangeHistogram?, covering range: IndexRange?) {
    isLoading = false
    self.histogram = histogram
    guard let histogram else { return }
    written = range
    buckets = histogram.buckets(covering: range ?? .all)
    writtenBuckets = buckets
  }

  private var isLowerWritten: Bool { buckets.lowerBound == writtenBuckets.lowerBound }
  private var isUpperWritten: Bool { buckets.upperBound == writtenBuckets.upperBound }

  /// What the query is to ask for; nil for everything.
  var range: IndexRange? {
    guard let histogram, buckets != writtenBuckets else { return written }
    var range = histogram.range(buckets)
    if isLowerWritten { range.lower = written?.lower ?? .unbounded }
    if isUpperWritten { range.upper = written?.upper ?? .unbounded }
    return range
  }

  /// Documents in its range.
  var count: Int {
    guard let histogram else { return 0 }
    var count = histogram.counts[buckets].reduce(0, +)
    if histogram.asked == written ?? .all {
      if isLowerWritten { count -= histogram.askedLeavesOut[0] }
      if isUpperWritten { count -= histogram.askedLeavesOut[1] }
    }
    return max(0, count)
  }

  /// A large step: its own width, and for a narrow one a tenth of the axis.
  var leap: Int { max(buckets.count, (histogram?.counts.count ?? 0) / 10) }

  /// An end that is open stays where it is.
  /// - Returns: whether that changed anything.
  mutating func move(_ step: Int) -> Bool {
    guard let histogram, let range = range else { return false }
    let count = histogram.counts.count
    var (low, high) = (buckets.lowerBound, buckets.upperBound)
    switch (range.lower, range.upper) {
    case (.unbounded, .unbounded): return false
    case (.unbounded, _): high = max(low + 1, min(count, high + step))
    case (_, .unbounded): low = min(high - 1, max(0, low + step))
    default:
      low = min(max(0, low + step), count - buckets.count)
      high = low + buckets.count
    }
    return set(low..<high)
  }

  /// Grows at both ends, as far as there is room.
  mutating func grow(_ step: Int) -> Bool {
    guard let histogram else { return false }
    let middle = (buckets.lowerBound + buckets.upperBound - 1) / 2
    let low = min(max(0, buckets.lowerBound - step), middle)
    let high = max(min(histogram.counts.count, buckets.upperBound + step), low + 1)
    return set(low..<high)
  }

  private mutating func set(_ moved: Range<Int>) -> Bool {
    defer { buckets = moved }
    return moved != buckets
  }
}

extension Model {
  /// Begins with the field that the query is about, or with the first; the same key again goes on to the next.
  mutating func openBrush() -> [Effect] {
    let fields = browse.vocabulary.rangeNames
    var field = fields.first
    if let current = browse.brush?.field, browse.focus == .brush {
      field = fields.firstIndex(of: current).map { fields[($0 + 1) % fields.count] }
    } else if let asked = browse.query?.ranges.first?.field ?? browse.query?.orderBy {
      field = asked
    }
    guard let field else {
      browse.notice = "this store has no range fields"
      return []
    }
    browse.brush = Brush(field: field, before: browse.brush?.before)
    browse.focus = .brush
    return askForHistogram()
  }

  /// Of the brush's field, or of the part of it that is looked at.
  mutating func askForHistogram() -> [Effect] {
    guard let brush = browse.brush else { return [] }
    browse.brush?.isLoading = true
    return [.ask(.histogram(field: brush.field, within: brush.span, browse.query ?? Query()))]
  }

  mutating func performBrush(_ command: Command) -> [Effect] {
    switch command {
    case .left: return moveBrush { $0.move(-1) }
    case .right: return moveBrush { $0.move(1) }
    case .halfPageUp, .pageUp: return moveBrush { $0.move(-$0.leap) }
    case .halfPageDown, .pageDown: return moveBrush { $0.move($0.leap) }
    case .home: return moveBrush { $0.move(-1_000) }
    case .end: return moveBrush { $0.move(1_000) }
    case .grow(let step): return moveBrush { $0.grow(step) }
    case .up: return moveBrush { $0.grow(1) }
    case .down: return moveBrush { $0.grow(-1) }
    case .open:
      guard let brush = browse.brush, let histogram = brush.histogram else { return [] }
      if brush.buckets.count == histogram.counts.count {
        browse.notice =
          "the brush lies over all bars: \(narrower) makes it narrower, then \(keyMap.key(of: .open, in: .brush)) shows only those"
        return []
      }
      browse.brush?.span = histogram.span(brush.buckets)
      return askForHistogram()
    case .brushAll:
      browse.brush?.span = nil
      return runBrush(nil) + askForHistogram()
    case .submit:
      keepBrush()
      return []
    case .cancel: return cancelBrush()
    default: return performBrowse(command)
    }
  }

  private var narrower: String { keyMap.key(of: .grow(-1), in: .brush) }

  private mutating func moveBrush(_ change: (inout Brush) -> Bool) -> [Effect] {
    guard var brush = browse.brush, !brush.isLoading else { return [] }
    guard change(&brush) else {
      if brush.histogram != nil, brush.range ?? .all == .all {
        browse.notice = "the brush lies over any value: \(narrower) makes it narrower, then it can be moved"
      }
      return []
    }
    browse.brush = brush
    return runBrush(brush.range)
  }

  /// The query as it is, with another range of the brush's field; nil takes the condition away.
  private mutating func runBrush(_ range: IndexRange?) -> [Effect] {
    guard let brush = browse.brush else { return [] }
    if brush.before == nil { browse.brush?.before = browse.results }
    var query = browse.query ?? Query()
    var limit: Int?
    if case .query(_, let most)? = browse.results?.selection { limit = most }
    let place = query.ranges.firstIndex { $0.field == brush.field }
    switch (range, place) {
    case (let range?, let place?): query.ranges[place].range = range
    case (let range?, nil): query.ranges.insert(.init(field: brush.field, range: range), at: 0)
    case (nil, let place?): query.ranges.remove(at: place)
    case (nil, nil): break
    }
    return run(.query(query, limit: limit), remembers: false, focus: .brush)
  }

  /// Closes the brush; the query stays as the brush has made it.
  private mutating func keepBrush() {
    if browse.brush?.before != nil { remember(browse.results.map { QueryLine.text($0.selection) } ?? "") }
    browse.brush = nil
    browse.focus = .results
    keepSelectionVisible()
  }

  /// Closes the brush; the query and its results are those from before.
  mutating func cancelBrush() -> [Effect] {
    let before = browse.brush?.before
    browse.brush = nil
    browse.focus = .results
    let effects = before.map { show(again: $0) } ?? []
    keepSelectionVisible()
    return effects
  }
}
