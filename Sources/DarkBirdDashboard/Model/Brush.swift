import DarkBird

/// The part of a range field that the query is about, moved over the field's histogram.
struct Brush: Hashable, Sendable {
  var field: String
  var isLoading = true
  /// nil while it is loading, and where there is nothing to draw.
  var histogram: RangeHistogram?
  /// The buckets below it.
  var buckets = 0..<1

  init(field: String) { self.field = field }

  /// - Parameter range: what the query asks for now; nil for everything.
  mutating func show(_ histogram: RangeHistogram?, covering range: IndexRange?) {
    isLoading = false
    self.histogram = histogram
    guard let histogram else { return }
    let all = histogram.counts.indices
    let covered = all.filter { bucket in
      range.map { Self.overlaps($0, histogram.edges[bucket], histogram.edges[bucket + 1]) } ?? true
    }
    buckets = (covered.first ?? 0)..<(covered.last ?? all.count - 1) + 1
  }

  private static func overlaps(_ range: IndexRange, _ low: IndexValue, _ high: IndexValue) -> Bool {
    let beginsBefore =
      switch range.lower {
      case .unbounded: true
      case .included(let value), .excluded(let value): value < high
      }
    let endsAfter =
      switch range.upper {
      case .unbounded: true
      case .included(let value): low <= value
      case .excluded(let value): low < value
      }
    return beginsBefore && endsAfter
  }

  /// Documents below the brush.
  var count: Int { histogram.map { $0.counts[buckets].reduce(0, +) } ?? 0 }

  /// - Returns: whether that changed anything.
  mutating func move(_ step: Int) -> Bool {
    guard let histogram else { return false }
    let low = min(max(0, buckets.lowerBound + step), histogram.counts.count - buckets.count)
    let moved = low..<low + buckets.count
    defer { buckets = moved }
    return moved != buckets
  }

  /// Grows at both ends, as far as there is room.
  mutating func grow(_ step: Int) -> Bool {
    guard let histogram else { return false }
    let middle = (buckets.lowerBound + buckets.upperBound - 1) / 2
    let low = min(max(0, buckets.lowerBound - step), middle)
    let high = max(min(histogram.counts.count, buckets.upperBound + step), low + 1)
    let grown = low..<high
    defer { buckets = grown }
    return grown != buckets
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
    browse.brush = Brush(field: field)
    browse.focus = .brush
    return [.ask(.histogram(field: field, within: nil))]
  }

  mutating func performBrush(_ command: Command) -> [Effect] {
    switch command {
    case .left: return moveBrush { $0.move(-1) }
    case .right: return moveBrush { $0.move(1) }
    case .halfPageUp, .pageUp: return moveBrush { $0.move(-$0.buckets.count) }
    case .halfPageDown, .pageDown: return moveBrush { $0.move($0.buckets.count) }
    case .home: return moveBrush { $0.move(-1_000) }
    case .end: return moveBrush { $0.move(1_000) }
    case .grow(let step): return moveBrush { $0.grow(step) }
    case .up: return moveBrush { $0.grow(1) }
    case .down: return moveBrush { $0.grow(-1) }
    case .open:
      guard let brush = browse.brush, let histogram = brush.histogram else { return [] }
      browse.brush?.isLoading = true
      return [.ask(.histogram(field: brush.field, within: histogram.span(brush.buckets)))]
    case .brushAll:
      guard let brush = browse.brush else { return [] }
      browse.brush?.isLoading = true
      return [.ask(.histogram(field: brush.field, within: nil))] + runBrush(nil)
    case .back:
      remember(browse.results.map { QueryLine.text($0.selection) } ?? "")
      browse.brush = nil
      browse.focus = .results
      keepSelectionVisible()
      return []
    default: return performBrowse(command)
    }
  }

  private mutating func moveBrush(_ change: (inout Brush) -> Bool) -> [Effect] {
    guard var brush = browse.brush, let histogram = brush.histogram, change(&brush) else { return [] }
    browse.brush = brush
    return runBrush(histogram.range(brush.buckets))
  }

  /// The query as it is, with another range of the brush's field; nil takes the condition away.
  private mutating func runBrush(_ range: IndexRange?) -> [Effect] {
    guard let field = browse.brush?.field else { return [] }
    var query = browse.query ?? Query()
    var limit: Int?
    if case .query(_, let most)? = browse.results?.selection { limit = most }
    let place = query.ranges.firstIndex { $0.field == field }
    switch (range, place) {
    case (let range?, let place?): query.ranges[place].range = range
    case (let range?, nil): query.ranges.insert(.init(field: field, range: range), at: 0)
    case (nil, let place?): query.ranges.remove(at: place)
    case (nil, nil): break
    }
    return run(.query(query, limit: limit), remembers: false, focus: .brush)
  }
}
