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
