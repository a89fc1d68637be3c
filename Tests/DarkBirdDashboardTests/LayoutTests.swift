import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Layout") struct LayoutTests {
  static let arrangements =
    Arrangement.standard + [.own(name: "mine", rows: [[.log, .events], [.throughput]])]

  private func panels(_ width: Int, _ height: Int, focus: PanelID = .throughput) -> [PanelID] {
    OverviewLayout(ViewFrame(width: width, height: height), focus: focus, isZoomed: false).panels.map(\.id)
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

  @Test(arguments: LayoutTests.arrangements) func theFocusedPanelIsAlwaysThere(_ arrangement: Arrangement) {
    for focus in PanelID.allCases {
      #expect(panels(40, 10, focus: focus) == [focus])
      for height in 10...60 {
        for width in stride(from: 40, through: 200, by: 7) {
          for isPaused in [false, true] {
            let layout = OverviewLayout(
              ViewFrame(width: width, height: height, hasJob: height % 2 == 0, isPaused: isPaused), focus: focus,
              isZoomed: false, arrangement: arrangement)
            #expect(layout.rect(of: focus) != nil, "\(arrangement) \(width)x\(height)")
          }
        }
      }
    }
  }

  /// Header, panels and footer cover the screen without overlapping.
  @Test(arguments: LayoutTests.arrangements) func everyRowBelongsToSomething(_ arrangement: Arrangement) {
    for (height, isPaused) in (10...70).flatMap({ [($0, false), ($0, true)] }) {
      for width in [40, 75, 76, 80, 99, 100, 109, 110, 120, 160, 200] {
        let frame = ViewFrame(width: width, height: height, hasJob: width % 2 == 0, isPaused: isPaused)
        let layout = OverviewLayout(frame, focus: .log, isZoomed: false, arrangement: arrangement)
        let rects =
          [frame.header, frame.footer]
          + [frame.alerts, frame.job, frame.timeline, layout.lesson].compactMap(\.self)
          + layout.panels.map(\.rect)
        let area = rects.reduce(0) { $0 + $1.width * $1.height }
        #expect(area == width * height, "\(arrangement) \(width)x\(height)")
        let isRoomy = layout.panels.allSatisfy { $0.rect.width >= 38 && $0.rect.height >= 5 }
        #expect(isRoomy, "\(arrangement) \(width)x\(height)")
      }
    }
  }

  /// Whoever goes through time sees where in it that is; on a low screen the line is there for nothing else.
  @Test(arguments: [Model.View.overview, .workload, .alerts, .jobs, .tour])
  func aPausedViewHasTheLineOfTime(_ view: Model.View) {
    var model = Touring.model(at: .shard, 100)
    _ = model.update(.resize(width: 80, height: 24))
    model.view = view
    func hasLine() -> Bool { Renderer.render(model, colors: .none).lines[22].hasPrefix("  -10m ") }
    #expect(!hasLine())
    _ = model.update(.key(.character("[")))
    #expect(hasLine())
    _ = model.update(.key(.character("`")))
    #expect(!hasLine())
  }

  @Test func theLineOfTimeTakesNoPanelOfAUsualScreen() {
    let frame = ViewFrame(width: 80, height: 24, hasJob: true, isPaused: true)
    #expect(frame.timeline == Rect(x: 0, y: 22, width: 80, height: 1))
    #expect(OverviewLayout(frame, focus: .throughput, isZoomed: false).panels.map(\.id) == panels(80, 24))
    #expect(ViewFrame(width: 80, height: 24).timeline == nil)
    #expect(ViewFrame(width: 80, height: 13, isPaused: true).timeline == nil)
  }

  @Test func arrangementsShowWhatTheyAreFor() {
    func panels(_ arrangement: Arrangement) -> [PanelID] {
      OverviewLayout(
        ViewFrame(width: 120, height: 40), focus: .events, isZoomed: false, arrangement: arrangement
      ).panels.map(\.id)
    }
    #expect(panels(.watching) == PanelID.allCases)
    #expect(panels(.browsing) == [.indexes, .events, .shards, .throughput])
    #expect(panels(.own(name: "mine", rows: [[.log, .events], [.throughput]])) == [.log, .events, .throughput])
    #expect(panels(.teaching) == [.throughput, .latency, .shards, .indexes, .log, .events])
  }

  private static let acknowledgements: [Acknowledgement?] = [nil] + Acknowledgement.allCases

  private func taught(
    _ acknowledgement: Acknowledgement?, ofWorkload: Acknowledgement? = nil, isReadOnly: Bool = false,
    hasLog: Bool = true
  ) -> Model {
    let script = Script(hasLog: hasLog)
    var identity = script.identity
    (identity.acknowledgement, identity.isReadOnly) = (acknowledgement, isReadOnly)
    var model = Model(identity: identity, width: 120, height: 40, glyphs: .ascii, zone: .gmt)
    for var sample in script.samples(3) {
      sample.workload?.options?.acknowledgement = ofWorkload
      _ = model.update(.sample(sample, []))
    }
    model.arrangement = .teaching
    return model
  }

  /// Whoever waits for the disk must not read that nobody does.
  @Test func lessonsSayWhatTheWritersOfThisStoreWaitFor() {
    func text(_ panel: PanelID, _ model: Model) -> String { Lesson(of: panel, model).text.joined(separator: " ") }
    for panel in [PanelID.throughput, .latency, .log] {
      let texts = Set(Self.acknowledgements.map { text(panel, taught($0)) })
      #expect(texts.count == 4, "\(panel)")
      // What the load asks for comes before what the store does.
      #expect(text(panel, taught(.memory, ofWorkload: .synced)) == text(panel, taught(.synced)))
      #expect(text(panel, taught(.synced, isReadOnly: true)) != text(panel, taught(.synced)))
      #expect(!text(panel, taught(nil, ofWorkload: .synced, hasLog: false)).contains("synced"))
    }
    #expect(text(.throughput, taught(.memory)).contains("no writer waits for it"))
    #expect(text(.throughput, taught(.synced)).contains("once the disk has its change"))
    #expect(text(.latency, taught(.synced)).contains("wait for the disk, a sync or two: the log has its sync p99"))
    #expect(text(.log, taught(.written)).contains("outlives this program, not a power loss"))
  }

  /// It may not be on the screen: the key brings it there.
  @Test(arguments: [(40, 30), (80, 24), (100, 24), (120, 40)])
  func aPanelThatALessonSpeaksOfIsAKeyAway(_ width: Int, _ height: Int) {
    var model = taught(.synced)
    _ = model.update(.resize(width: width, height: height))
    for key in ["2", "4", "3"] {
      _ = model.update(.key(.character(Character(key))))
      let lines = Renderer.render(model, colors: .none).lines
      #expect(lines.contains { $0.contains(" \(model.focus.title) ") }, "\(width)x\(height)")
      #expect(OverviewLayout(model).rect(of: model.focus) != nil && "\(model.focus.rawValue)" == key)
    }
  }

  /// A lesson that ends before it names its files would send nobody to the source.
  @Test(arguments: PanelID.allCases) func lessonsFitAndNameFilesThatExist(_ panel: PanelID) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    for acknowledgement in Self.acknowledgements {
      var model = taught(acknowledgement)
      model.focus = panel
      let files = Lesson(of: panel, model).files
      for file in files {
        #expect(FileManager.default.fileExists(atPath: root.appending(path: file).path), "\(file)")
      }
      for (width, height) in [(80, 24), (90, 30), (100, 24), (120, 40), (200, 60)] {
        _ = model.update(.resize(width: width, height: height))
        let picture = Renderer.render(model, colors: .none).lines.joined(separator: "\n")
        let name = try #require(files.first)
        #expect(picture.contains("source ") && picture.contains(name.prefix(30)), "\(width)x\(height)")
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
