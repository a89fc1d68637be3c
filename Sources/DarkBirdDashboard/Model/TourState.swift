/// Where one is in the tour.
struct TourState: Sendable {
  enum Phase: Hashable, Sendable {
    case running, done
    case failed(String)
  }

  var chapter: TourChapter
  /// Counts up when a chapter begins; news of another run are old.
  private(set) var run = 0
  private(set) var phase = Phase.running
  private(set) var facts: [TourFact] = []
  /// While no store is open.
  private(set) var absence: TourAbsence? = noneYet
  /// Lines of the text that are scrolled away; nil as long as nobody has scrolled: then the newest result is in sight.
  var scroll: Int?
  /// Seconds after which the next chapter begins; nil waits for a key.
  var seconds: Double?
  /// What `seconds` is when it is switched on.
  let secondsDefault: Double
  /// Whether the chapter waits, because the view is paused.
  var isHeld = false
  /// When the chapter was first seen, in nanoseconds of the samples.
  var since: UInt64?

  private static let noneYet = TourAbsence("A new store is about to be opened.")

  init(at chapter: TourChapter = .first, seconds: Double? = nil, secondsDefault: Double = 25) {
    self.chapter = chapter
    self.seconds = seconds
    self.secondsDefault = seconds ?? secondsDefault
  }

  mutating func begin(_ chapter: TourChapter) -> Effect {
    self.chapter = chapter
    run += 1
    (phase, facts, absence, scroll, since) = (.running, [], Self.noneYet, nil, nil)
    isHeld = false
    return .tour(chapter, run: run)
  }

  mutating func take(_ news: TourNews, ofRun number: Int) {
    guard number == run else { return }
    switch news {
    case .fact(let fact):
      if let place = facts.firstIndex(where: { $0.name == fact.name }) {
        facts[place] = fact
      } else {
        facts.append(fact)
      }
    case .absence(let absence): self.absence = absence
    case .done: phase = .done
    case .failed(let reason): phase = .failed(reason)
    }
  }
}
