/// A rectangle of cells; x grows to the right, y downwards. Any values are allowed: what draws it clips it.
public struct Rect: Hashable, Sendable {
  public var x: Int
  public var y: Int
  public var width: Int
  public var height: Int

  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  public var isEmpty: Bool { width <= 0 || height <= 0 }

  /// The rectangle without `margin` cells on each side; empty where nothing is left.
  public func inset(by margin: Int) -> Rect {
    let negative = margin == .min ? .max : -margin
    return Rect(
      x: x.saturatingAdding(margin), y: y.saturatingAdding(margin),
      width: max(0, width.saturatingAdding(negative).saturatingAdding(negative)),
      height: max(0, height.saturatingAdding(negative).saturatingAdding(negative)))
  }

  /// The columns that lie in 0..<limit.
  func columns(within limit: Int) -> Range<Int> { Rect.clip(x, width, limit) }

  /// The rows that lie in 0..<limit.
  func rows(within limit: Int) -> Range<Int> { Rect.clip(y, height, limit) }

  private static func clip(_ start: Int, _ length: Int, _ limit: Int) -> Range<Int> {
    let lower = min(max(start, 0), limit)
    let upper = min(max(start.saturatingAdding(max(length, 0)), lower), limit)
    return lower..<upper
  }
}

extension Int {
  /// The sum, or the nearest Int there is. Coordinates come from arithmetic on sizes and may be anything.
  func saturatingAdding(_ other: Int) -> Int {
    let (sum, overflow) = addingReportingOverflow(other)
    guard overflow else { return sum }
    return other > 0 ? .max : .min
  }
}
