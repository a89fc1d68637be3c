/// Which panels the overview shows, and how much room each of them gets.
enum Arrangement: Hashable, Sendable {
  /// All six: what happens now.
  case watching
  /// What is in the store, and how it changes.
  case browsing
  /// The way of a write, panel by panel, with words beside them.
  case teaching
  /// Rows of one or two panels, from a configuration.
  case own(name: String, rows: [[PanelID]])

  static let standard: [Arrangement] = [.watching, .browsing, .teaching]

  var name: String {
    switch self {
    case .watching: "watching"
    case .browsing: "browsing"
    case .teaching: "teaching"
    case .own(let name, _): name
    }
  }

  /// The rows of panels from above in a place of that size; 5 and 6 share a place where only `tab` of them fits.
  func rows(width: Int, height: Int, tab: PanelID) -> [[PanelID]] {
    switch self {
    case .watching: Self.watchingRows(width: width, height: height, tab: tab)
    case .own(_, let rows):
      // One beside the other where that is too narrow becomes one below the other; what does not fit is left out.
      (width < 76 ? rows.joined().map { [$0] } : rows).prefix(max(1, height / 6)).map { $0 }
    case .browsing:
      if width < 76 {
        height >= 24 ? [[.indexes], [.events], [.shards]] : height >= 14 ? [[.indexes], [.events]] : [[tab]]
      } else {
        height >= 16 ? [[.indexes, .events], [.shards, .throughput]] : [[.indexes, .events]]
      }
    case .teaching:
      if width >= 76, height >= 20 {
        [[.throughput, .latency], [.shards, .indexes], [.log, .events]]
      } else {
        height >= 24 ? [[.shards], [.log], [.events]] : height >= 14 ? [[.shards], [.log]] : [[.log]]
      }
    }
  }

  private static func watchingRows(width: Int, height: Int, tab: PanelID) -> [[PanelID]] {
    if width < 76 {
      let order = [PanelID.throughput, .latency, tab, .log, .shards]
      let kept = order.prefix(max(1, min(order.count, height / 6)))
      return [PanelID.throughput, .latency, .shards, .log, tab].filter { kept.contains($0) }.map { [$0] }
    }
    return switch height {
    case 29...: [[.throughput, .latency], [.shards, .log], [.indexes, .events]]
    case 19...: [[.throughput, .latency], [.shards, .log], [tab]]
    case 16...: [[.throughput, .latency], [.log, tab]]
    case 12...: [[.throughput, .latency], [tab]]
    default: [[.throughput, .latency]]
    }
  }
}
