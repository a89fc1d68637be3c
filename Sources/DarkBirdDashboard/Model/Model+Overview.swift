import DarkBird
import Terminal

/// The panels of the overview, with the numbers that focus them.
enum PanelID: Int, Sendable, CaseIterable {
  case throughput = 1
  case latency = 2
  case shards = 3
  case log = 4
  case indexes = 5
  case events = 6

  /// As a configuration names it.
  var name: String {
    switch self {
    case .throughput: "throughput"
    case .latency: "latency"
    case .shards: "shards"
    case .log: "log"
    case .indexes: "indexes"
    case .events: "events"
    }
  }

  var title: String {
    switch self {
    case .throughput: "1 Throughput"
    case .latency: "2 Latency  last 10 s"
    case .shards: "3 Shards"
    case .log: "4 Log"
    case .indexes: "5 Indexes / tags"
    case .events: "6 Events"
    }
  }
}

extension Model {
  mutating func performOverview(_ command: Command) -> [Effect] {
    switch command {
    case .browse: return enterBrowse()
    case .nextPanel, .right: moveFocus(1)
    case .previousPanel, .left: moveFocus(-1)
    case .panel(let number): focus = PanelID(rawValue: number) ?? focus
    case .zoom: isZoomed.toggle()
    case .open: return browseHottestShard()
    case .back: goBack()
    case .filter:
      focus = .events
      events.editor = LineEditor(events.filter)
    case .hold:
      focus = .events
      events.heldSequence = events.heldSequence == nil ? shown?.sequence : nil
      events.scroll = 0
    default: scrollPanel(command)
    }
    return []
  }

  private mutating func browseHottestShard() -> [Effect] {
    guard focus == .shards else {
      browse.notice = "\(keyMap.key(of: .open, in: .overview)) in panel 3 browses the hottest shard"
      return []
    }
    guard let moment = Moment(self), !moment.sample.statistics.shards.isEmpty, hasDocuments() else { return [] }
    // First, or all documents would be asked for too.
    let effects = run(.shard(ShardFigures(moment).hottest))
    return enterBrowse() + effects
  }

  mutating func performFilter(_ command: Command) -> [Effect] {
    switch command {
    case .submit:
      events.filter = events.activeFilter
      events.editor = nil
    case .cancel: events.editor = nil
    default:
      guard events.editor?.apply(command) == true else { return [] }
    }
    events.scroll = 0
    return [.filterEvents(events.activeFilter)]
  }

  private mutating func moveFocus(_ step: Int) {
    let count = PanelID.allCases.count
    focus = PanelID(rawValue: (focus.rawValue - 1 + step + count) % count + 1) ?? focus
  }

  /// One layer back: a zoomed panel, a held stream, a paused view.
  private mutating func goBack() {
    if isZoomed {
      isZoomed = false
    } else if events.heldSequence != nil {
      events.heldSequence = nil
      events.scroll = 0
    } else if time != .live {
      time = .live
    } else {
      view = home
    }
  }

  private mutating func scrollPanel(_ command: Command) {
    guard let shown else { return }
    let layout = OverviewLayout(self)
    let visible = max(1, (layout.rect(of: focus)?.height ?? 3) - 3)
    switch focus {
    case .events:
      // Lines that move under the reader cannot be read: whoever scrolls holds the stream.
      let lines = events.lines(through: shown.sequence, skip: 0, limit: EventLog.capacity)
      let scroll = Scroll.moved(events.scroll, by: command, page: visible, count: lines.count, visible: visible)
      if scroll > 0, events.heldSequence == nil { events.heldSequence = shown.sequence }
      events.scroll = scroll
    case .indexes:
      let count = IndexesPanel.rows(shown).count
      indexScroll = Scroll.moved(indexScroll, by: command, page: visible, count: count, visible: visible)
    case .shards:
      let count = shown.statistics.shards.count
      let rows = layout.rect(of: focus).map { ShardsPanel.tableRows(count, in: OverviewLayout.inside($0)) }
      let visible = rows ?? visible
      shardScroll = Scroll.moved(shardScroll, by: command, page: visible, count: count, visible: visible)
    case .throughput, .latency, .log: break
    }
  }
}
