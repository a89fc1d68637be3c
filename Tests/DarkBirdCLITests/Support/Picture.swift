import Terminal

/// A captured screen by columns and rows, so that borders can be followed.
struct Picture {
  /// The box of a panel: its place and the title in its upper edge.
  struct Box: Hashable {
    var x, y, width, height: Int
    var title: String
  }

  let width: Int
  let height: Int
  private let cells: [[Character]]
  private(set) var boxes: [Box] = []
  /// Broken borders, and places of the body that no box covers.
  private(set) var problems: [String] = []

  private static let corners:
    [(topLeft: Character, topRight: Character, bottomLeft: Character, bottomRight: Character)] =
      [("┌", "┐", "└", "┘"), ("╔", "╗", "╚", "╝")]
  private static let edges: [(horizontal: Character, vertical: Character)] = [("─", "│"), ("═", "║")]

  init(_ rows: [String], width: Int, height: Int) {
    self.width = width
    self.height = height
    cells = (0..<height).map { y in
      var cells: [Character] = []
      for character in y < rows.count ? rows[y] : "" {
        cells.append(character)
        // The right half of a wide character.
        cells += [Character](repeating: "\0", count: max(0, displayWidth(String(character)) - 1))
      }
      return cells + [Character](repeating: " ", count: max(0, width - cells.count))
    }
    for y in 0..<height where cells[y].count != width { problems.append("row \(y) has \(cells[y].count) columns") }
    if problems.isEmpty {
      findBoxes()
      checkCover()
    }
  }

  /// What is inside a box.
  func content(of box: Box) -> [String] {
    (box.y + 1..<box.y + box.height - 1).map { String(cells[$0][box.x + 1..<box.x + box.width - 1]) }
  }

  private mutating func findBoxes() {
    for y in 0..<height {
      for x in 0..<width {
        if let style = Self.corners.firstIndex(where: { $0.topLeft == cells[y][x] }) { follow(x, y, style) }
      }
    }
  }

  private mutating func follow(_ x: Int, _ y: Int, _ style: Int) {
    let corner = Self.corners[style]
    let edge = Self.edges[style]
    guard let right = (x + 1..<width).first(where: { cells[y][$0] == corner.topRight }) else {
      problems.append("the box at \(x),\(y) has no upper right corner")
      return
    }
    guard let bottom = (y + 1..<height).first(where: { cells[$0][x] != edge.vertical }) else {
      problems.append("the box at \(x),\(y) has no lower edge")
      return
    }
    if cells[bottom][x] != corner.bottomLeft {
      problems.append("the left edge of the box at \(x),\(y) breaks at row \(bottom)")
    }
    for row in y + 1..<bottom where cells[row][right] != edge.vertical {
      problems.append("the right edge of the box at \(x),\(y) breaks at row \(row)")
    }
    if cells[bottom][right] != corner.bottomRight {
      problems.append("the box at \(x),\(y) has no lower right corner")
    }
    let title =
      String(cells[y][x + 1..<right].drop { $0 == edge.horizontal || $0 == " " })
      .split(separator: edge.horizontal).first.map(String.init) ?? ""
    boxes.append(
      Box(
        x: x, y: y, width: right - x + 1, height: bottom - y + 1,
        title: title.split(whereSeparator: \.isWhitespace).joined(separator: " ")))
  }

  /// Every row from the first box to the last is covered from edge to edge.
  private mutating func checkCover() {
    guard let top = boxes.map(\.y).min(), let bottom = boxes.map({ $0.y + $0.height }).max() else {
      problems.append("there is no box")
      return
    }
    for y in top..<bottom {
      let covered = boxes.filter { $0.y <= y && y < $0.y + $0.height }.reduce(0) { $0 + $1.width }
      if covered != width { problems.append("boxes cover \(covered) of \(width) columns in row \(y)") }
    }
  }
}
