/// Some of a sequence whose length is known only at its end, evenly spread over it, with memory for twice as many.
struct EvenSample<Element> {
  private let limit: Int
  private var kept: [Element] = []
  /// Elements from one that is kept to the next: a power of two.
  private var stride = 1
  private var offered = 0

  /// - Parameter limit: elements at most, 1 or more.
  init(_ limit: Int) { self.limit = max(1, limit) }

  mutating func offer(_ element: @autoclosure () -> Element) {
    defer { offered += 1 }
    guard offered % stride == 0 else { return }
    kept.append(element())
    if kept.count > 2 * limit {
      kept = kept.indices.filter { $0 % 2 == 0 }.map { kept[$0] }
      stride *= 2
    }
  }

  /// At most `limit` of what was offered, in its order.
  var elements: [Element] {
    let step = (kept.count + limit - 1) / limit
    return step > 1 ? kept.indices.filter { $0 % step == 0 }.map { kept[$0] } : kept
  }
}
