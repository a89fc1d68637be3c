import Testing

@testable import Terminal
@testable import TerminalProbe

/// Canvases drawn by chance, from a printed seed.
@Suite struct CanvasRandomTests {
  @Test(arguments: 0..<200 as Range<UInt64>)
  func everyPictureIsConsistent(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let (width, height) = (Int.random(in: 0...70, using: &random), Int.random(in: 0...20, using: &random))
    var canvas = Canvas(width: width, height: height)
    for _ in 0..<60 {
      canvas.scribble(using: &random)
      #expect(canvas.isConsistent)
    }
    #expect(canvas.lines.count == height)
    for line in canvas.lines { #expect(displayWidth(line) == width) }
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func differencesDrawnOnTheOldPictureGiveTheNew(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let (width, height) = (Int.random(in: 1...70, using: &random), Int.random(in: 1...20, using: &random))
    let old = Canvas.random(width: width, height: height, using: &random)
    // Both a small change and another picture.
    var changed = old
    for _ in 0..<3 { changed.scribble(using: &random) }
    for new in [changed, Canvas.random(width: width, height: height, using: &random), old] {
      let runs = new.differences(from: old)
      var drawn = old
      drawn.apply(runs)
      #expect(drawn == new)
      #expect(runs.isEmpty == (old == new))
      for run in runs {
        #expect(run.cells.first?.width != 0 && run.cells.last?.width != 2)
        #expect(run.x >= 0 && run.x + run.cells.count <= width)
      }
    }
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func aPictureOfAnotherSizeIsDrawnWhole(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let old = Canvas.random(width: 20, height: 6, using: &random)
    let new = Canvas.random(width: 31, height: 4, using: &random)
    var drawn = Canvas(width: 31, height: 4)
    drawn.apply(new.differences(from: old))
    #expect(drawn == new)
  }

  @Test(arguments: 0..<100 as Range<UInt64>)
  func aWriteTouchesOnlyItsColumns(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let old = Canvas.random(width: 40, height: 5, using: &random)
    let text = Canvas.awkwardTexts.randomElement(using: &random) ?? ""
    let (x, y) = (Int.random(in: -10...45, using: &random), Int.random(in: 0...4, using: &random))
    let limit = Int.random(in: 0...12, using: &random)
    var new = old
    let columns = new.write(text, x: x, y: y, maxWidth: limit)
    #expect(columns <= min(limit, displayWidth(text)))
    for row in 0..<5 {
      for column in 0..<40 where row != y || column < x || column >= x + columns {
        // A wide character cut in half may leave a space next to the text.
        let isCut = row == y && (column == x - 1 || column == x + columns) && new[column, row].text == " "
        #expect(new[column, row] == old[column, row] || isCut)
      }
    }
  }

  @Test(arguments: 0..<50 as Range<UInt64>)
  func aPictureDrawnIntoAnotherIsClipped(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    var canvas = Canvas.random(width: 40, height: 10, using: &random)
    let piece = Canvas.random(width: 15, height: 4, using: &random)
    for _ in 0..<20 {
      let (x, y) = (Int.random(in: -20...45, using: &random), Int.random(in: -5...12, using: &random))
      canvas.draw(piece, x: x, y: y)
      #expect(canvas.isConsistent)
      for row in 0..<4 where y + row >= 0 && y + row < 10 {
        for column in 0..<15 where x + column >= 0 && x + column < 40 {
          let (drawn, cell) = (canvas[x + column, y + row], piece[column, row])
          let isCut = drawn.text == " " && cell.width != 1 && (x + column == 0 || x + column == 39)
          #expect(drawn == cell || isCut)
        }
      }
    }
  }
}
