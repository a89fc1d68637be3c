extension Canvas {
  /// The text of each row, trailing spaces kept.
  public var lines: [String] {
    (0..<height).map { y in cells[y * width..<(y + 1) * width].map(\.text).joined() }
  }

  /// The style of each row as text, for golden pictures: `.` is the plain style, each other style gets a letter in the order
  /// in which they appear from the top left, and a legend of one line a letter follows the rows.
  public var styleLines: [String] {
    let alphabet = Array("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
    var letters: [Style: Character] = [.plain: "."]
    var legend: [String] = []
    var rows: [String] = []
    for y in 0..<height {
      var row = ""
      for cell in cells[y * width..<(y + 1) * width] {
        if let letter = letters[cell.style] {
          row.append(letter)
        } else {
          // More styles than letters: all that are left share one.
          let letter = letters.count <= alphabet.count ? alphabet[letters.count - 1] : "?"
          letters[cell.style] = letter
          legend.append("\(letter) = \(cell.style)")
          row.append(letter)
        }
      }
      rows.append(row)
    }
    return rows + legend
  }
}

extension Canvas {
  /// The picture as text for a pipe, a file or a line mode: rows end with a newline, blank ends of rows are left out. With
  /// colours, styles are ECMA-48 sequences (SGR), and each row ends in the plain style; with `.none` there are no escapes at
  /// all, not even for attributes.
  package func text(colors: ColorDepth = .none) -> String {
    var text = ""
    for y in 0..<height {
      let row = cells[y * width..<(y + 1) * width]
      let used = row.lastIndex { cell in cell.text != " " || colors != .none && cell.style.isVisibleOnSpaces }
      var style = Style.plain
      for cell in row[..<(used.map { $0 + 1 } ?? row.startIndex)] {
        if colors != .none, cell.style != style {
          style = cell.style
          text += style.escapeSequence(colors)
        }
        text += cell.text
      }
      if style != .plain { text += Style.plain.escapeSequence(colors) }
      text += "\n"
    }
    return text
  }
}

extension Style {
  fileprivate var isVisibleOnSpaces: Bool {
    background != .default || !attributes.isDisjoint(with: [.reverse, .underline])
  }

  /// Sets exactly this style.
  fileprivate func escapeSequence(_ depth: ColorDepth) -> String {
    var codes = ["0"]
    if attributes.contains(.bold) { codes.append("1") }
    if attributes.contains(.dim) { codes.append("2") }
    if attributes.contains(.underline) { codes.append("4") }
    if attributes.contains(.reverse) { codes.append("7") }
    codes += [
      Style.codes(foreground, depth, normal: 30, bright: 90), Style.codes(background, depth, normal: 40, bright: 100),
    ]
    .compactMap(\.self)
    return "\u{1B}[\(codes.joined(separator: ";"))m"
  }

  private static func codes(_ color: Color, _ depth: ColorDepth, normal: Int, bright: Int) -> String? {
    guard case .palette(let index) = color else { return nil }
    if depth == .full { return "\(normal + 8);5;\(index)" }
    let named = Int(Palette.sixteen(index))
    return "\(named < 8 ? normal + named : bright + named - 8)"
  }
}
