import Terminal

extension Model {
  /// Shows the tour and begins with its chapter.
  mutating func enterTour() -> [Effect] {
    guard let tour else { return [] }
    view = .tour
    return begin(tour.chapter)
  }

  mutating func performTour(_ command: Command) -> [Effect] {
    guard let tour else { return [] }
    switch command {
    case .overview: view = .overview
    case .browse: return enterBrowse()
    case .tourNext: return tour.chapter.next.map { begin($0) } ?? []
    case .tourPrevious: return tour.chapter.previous.map { begin($0) } ?? []
    case .tourRepeat: return begin(tour.chapter)
    case .tourAuto:
      self.tour?.seconds = tour.seconds == nil ? tour.secondsDefault : nil
      self.tour?.since = nil
    case .arrangement: browse.notice = "the tour has one layout only; the overview has more"
    case .back: time = .live
    default:
      guard let layout = TourLayout(self) else { return [] }
      let text = TourText(tour, in: TourPanel.inner(layout))
      let top = Scroll.moved(
        text.top(tour.scroll), by: command, page: text.visible, count: text.lines.count, visible: text.visible)
      // Whoever comes back to the newest result stays with it.
      self.tour?.scroll = top == text.newestTop ? nil : top
    }
    return []
  }

  private mutating func begin(_ chapter: TourChapter) -> [Effect] {
    // What was asked of the store before is not an answer about this one.
    browse = BrowseState(schema: identity.schema, keeping: browse)
    guard var tour else { return [] }
    let effect = tour.begin(chapter)
    self.tour = tour
    time = .live
    return [effect]
  }

  /// The chapter waits while the view is paused, whatever key has done that.
  mutating func keepTourInStep() -> [Effect] {
    let isPaused = time != .live
    guard let tour, tour.isHeld != isPaused else { return [] }
    self.tour?.isHeld = isPaused
    // Who has read the words may still want to read what came out.
    if !isPaused { self.tour?.since = nil }
    return [.holdTour(isPaused)]
  }

  /// Goes on by itself once the chapter is over and was there long enough; from the last one to the first.
  mutating func turnPage(at sample: Sample) -> [Effect] {
    guard let tour, let seconds = tour.seconds, view == .tour, time == .live, helpScroll == nil, !hasOverlay else {
      return []
    }
    let since = tour.since ?? sample.nanoseconds
    if tour.since == nil { self.tour?.since = since }
    guard tour.phase != .running, Double(sample.nanoseconds - since) >= seconds * 1e9 else { return [] }
    return begin(tour.chapter.next ?? .first)
  }
}
