import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Layout") struct LayoutTests {
  private func panels(_ width: Int, _ height: Int, focus: PanelID = .throughput) -> [PanelID] {
    OverviewLayout(width: width, height: height, focus: focus, isZoomed: false).panels.map(\.id)
  }

  @Test func allSixAt120x40() {
    #expect(panels(120, 40) == PanelID.allCases)
    #expect(panels(200, 60) == PanelID.allCases)
  }

  @Test func fiveAndSixShareATabAt80x24() {
    #expect(panels(80, 24) == [.throughput, .latency, .shards, .log, .events])
    #expect(panels(80, 24, focus: .indexes) == [.throughput, .latency, .shards, .log, .indexes])
  }

  @Test func shardsAreDroppedFirstThenTheLog() {
    #expect(panels(80, 20) == [.throughput, .latency, .log, .events])
    #expect(panels(80, 16) == [.throughput, .latency, .events])
    #expect(panels(60, 24) == [.throughput, .latency, .events])
    #expect(panels(60, 30) == [.throughput, .latency, .log, .events])
  }

  @Test func theFocusedPanelIsAlwaysThere() {
    for focus in PanelID.allCases {
      #expect(panels(40, 10, focus: focus) == [focus])
      for height in 10...60 {
        for width in stride(from: 40, through: 200, by: 7) {
          #expect(panels(width, height, focus: focus).contains(focus))
        }
      }
    }
  }

  /// Header, panels and footer cover the screen without overlapping.
  @Test func everyRowBelongsToSomething() {
    for height in 10...70 {
      for width in [40, 75, 76, 80, 109, 110, 120, 200] {
        let frame = ViewFrame(width: width, height: height)
        let layout = OverviewLayout(width: width, height: height, focus: .log, isZoomed: false)
        let rects =
          [frame.header, frame.footer] + [frame.alerts, frame.timeline].compactMap(\.self) + layout.panels.map(\.rect)
        let area = rects.reduce(0) { $0 + $1.width * $1.height }
        #expect(area == width * height, "\(width)x\(height)")
        #expect(layout.panels.allSatisfy { $0.rect.width >= 38 && $0.rect.height >= 5 }, "\(width)x\(height)")
      }
    }
  }

  @Test func browseDropsTheDocumentThenTheTree() {
    func panes(_ width: Int, _ focus: BrowseState.Pane = .results) -> [BrowseState.Pane] {
      BrowseLayout(width: width, height: 24, focus: focus, isZoomed: false).panes.map(\.id)
    }
    #expect(panes(120) == [.explore, .results, .document])
    #expect(panes(80) == [.explore, .results])
    #expect(panes(80, .document) == [.document])
    #expect(panes(50) == [.results])
    #expect(panes(50, .explore) == [.explore])
  }
}
