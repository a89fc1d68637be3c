/// Picks the numbers of documents by a distribution, among the lanes of a population. One for each thread.
struct KeyChooser {
  private enum Method {
    case uniform
    case zipfian(ZipfianGenerator, KeyScramble)
    case latest(ZipfianGenerator)
  }

  private let lanes: [Population.Lane]
  private let positions: Int
  private var method: Method

  /// - Parameter lanes: one or more, with a target of 1 or more each.
  init(_ distribution: KeyDistribution, among lanes: [Population.Lane]) {
    self.lanes = lanes
    positions = lanes.reduce(0) { $0 + $1.target }
    switch distribution {
    case .uniform: method = .uniform
    case .zipfian: method = .zipfian(ZipfianGenerator(count: positions), KeyScramble(count: positions))
    case .latest: method = .latest(ZipfianGenerator(count: positions))
    }
  }

  /// A number that has a document, as far as this thread can see; nil if there is none at all.
  /// - Complexity: O(1), about 50 ns.
  mutating func next(using random: inout some RandomNumberGenerator) -> Int? {
    switch method {
    case .uniform:
      return firstPresent { random.below(positions) }
    case .zipfian(let ranks, let scramble):
      return firstPresent { scramble(ranks.next(using: &random)) }
    case .latest(var ranks):
      // Lanes are filled alike: the first one stands for all.
      ranks.follow(max(lanes[0].count * lanes.count, 1))
      let rank = ranks.next(using: &random)
      method = .latest(ranks)
      let lane = lanes[rank % lanes.count]
      let place = max(lane.end - 1 - rank / lanes.count, lane.first)
      return place < lane.end ? lane.number(place) : nil
    }
  }

  /// Positions wait for their documents while a population grows to its target: then the next one is tried.
  private func firstPresent(_ position: () -> Int) -> Int? {
    for _ in 0..<8 {
      let position = position()
      if let number = lanes[position % lanes.count].number(at: position / lanes.count) { return number }
    }
    return lanes.first { $0.count > 0 }.map { $0.number($0.end - 1) }
  }
}
