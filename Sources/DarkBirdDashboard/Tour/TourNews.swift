import Synchronization

/// A figure of what a chapter has done, measured or read from its store.
package struct TourFact: Hashable, Sendable {
  package enum Value: Hashable, Sendable {
    case count(Int)
    case bytes(Int)
    case nanoseconds(UInt64)
    case text(String)
  }

  package var name: String
  package var value: Value

  package var text: String {
    switch value {
    case .count(let count): Format.grouped(count)
    case .bytes(let bytes): Format.bytes(bytes)
    case .nanoseconds(let nanoseconds): Format.time(nanoseconds: nanoseconds)
    case .text(let text): text
    }
  }
}

/// What there is to see while no store is open in this process.
package struct TourAbsence: Hashable, Sendable {
  /// Why there is none.
  package var reason: String
  /// What is known of it all the same, such as a count that grows; "" if there is nothing.
  package var news: String
  /// Whether the news are that something has gone wrong, as it was meant to.
  package var isAlarm: Bool

  package init(_ reason: String, news: String = "", isAlarm: Bool = false) {
    self.reason = reason
    self.news = news
    self.isAlarm = isAlarm
  }
}

/// What the guide tells of the chapter that runs.
package enum TourNews: Hashable, Sendable {
  case fact(TourFact)
  /// No store is open in this process; nil when one is again.
  case absence(TourAbsence?)
  case done
  case failed(String)
}

/// The facts of a chapter as they are at its end, in the order in which they came.
package final class TourFacts: Sendable {
  private let facts = Mutex<[TourFact]>([])

  package init() {}

  package func take(_ news: TourNews) {
    guard case .fact(let fact) = news else { return }
    facts.withLock { facts in
      if let place = facts.firstIndex(where: { $0.name == fact.name }) {
        facts[place] = fact
      } else {
        facts.append(fact)
      }
    }
  }

  package var all: [TourFact] { facts.withLock { $0 } }

  package subscript(name: String) -> TourFact.Value? { all.first { $0.name == name }?.value }
}
