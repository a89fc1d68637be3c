import Testing

@testable import DarkBirdDashboard
@testable import Terminal

@Suite("Themes") struct ThemeTests {
  /// Colours as somebody sees them who lacks one kind of cone: Viénot, Brettel, Mollon (1999), on linear light.
  private enum Vision: CaseIterable {
    case usual, protan, deutan, tritan

    var matrix: [[Double]] {
      switch self {
      case .usual: [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
      case .protan: [[0.1124, 0.8876, 0], [0.1124, 0.8876, 0], [0.0040, -0.0040, 1]]
      case .deutan: [[0.2927, 0.7073, 0], [0.2927, 0.7073, 0], [-0.0223, 0.0223, 1]]
      case .tritan: [[1, 0.1446, -0.1446], [0, 0.8592, 0.1408], [0, 0.8592, 0.1408]]
      }
    }

    /// sRGB 0...255 as seen.
    func seen(_ color: Palette.RGB) -> [Double] {
      let linear = [color.red, color.green, color.blue].map { pow22(Double($0) / 255) }
      return matrix.map { row in
        let value = zip(row, linear).reduce(0) { $0 + $1.0 * $1.1 }
        return root22(min(max(value, 0), 1)) * 255
      }
    }

    private func pow22(_ value: Double) -> Double { value * value * value.squareRoot().squareRoot() }
    /// The inverse of `pow22` by bisection: close enough for colours.
    private func root22(_ value: Double) -> Double {
      var (low, high) = (0.0, 1.0)
      for _ in 0..<40 {
        let middle = (low + high) / 2
        if pow22(middle) < value { low = middle } else { high = middle }
      }
      return low
    }
  }

  private func distance(_ left: Role, _ right: Role, _ theme: Theme, _ vision: Vision) -> Double {
    func rgb(_ role: Role) -> [Double]? {
      guard case .palette(let index) = theme.style(role).foreground else { return nil }
      return vision.seen(Palette.rgb(index))
    }
    guard let left = rgb(left), let right = rgb(right) else { return .infinity }
    return zip(left, right).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }.squareRoot()
  }

  /// Without colours the cells of reads are other glyphs than those of writes, whatever their height.
  @Test(arguments: GlyphTier.allCases) func writesAndReadsAreToldApartWithoutColours(_ glyphs: GlyphTier) {
    func cells(_ value: PlotValue, _ theme: Theme) -> Set<String> {
      var painter = Painter(canvas: Canvas(width: 1, height: 4), theme: theme, glyphs: glyphs)
      let values = Array(repeating: Optional(value), count: Plot.valuesPerColumn(glyphs))
      Plot.draw(values, top: 100, in: painter.canvas.bounds, with: &painter)
      return Set((0..<4).map { painter.canvas[0, $0].text }).subtracting([" "])
    }
    for theme in [Theme(depth: .none), Theme(depth: .full, name: .mono)] {
      let writes = cells(PlotValue(writes: 100, total: 100), theme)
      let reads = cells(PlotValue(writes: 0, total: 100), theme)
      #expect(!writes.isEmpty && !reads.isEmpty && writes.isDisjoint(with: reads))
      for total in 1...100 { #expect(!cells(PlotValue(writes: 0, total: Double(total)), theme).isEmpty) }
    }
  }

  /// Roles whose colours stand beside each other and mean different things.
  @Test(arguments: [Theme.Name.standard, .light, .dark]) func coloursAreToldApartByAllEyes(_ name: Theme.Name) {
    let theme = Theme(depth: .full, name: name)
    let pairs: [(Role, Role)] = [
      (.write, .read), (.write, .previous), (.read, .previous), (.good, .alert), (.good, .warning), (.unique, .tag),
      (.fieldName, .number), (.string, .number),
    ]
    for vision in Vision.allCases {
      for (left, right) in pairs {
        let distance = distance(left, right, theme, vision)
        #expect(distance > 60, "\(name) \(left) and \(right) for \(vision): \(distance)")
      }
    }
  }

  /// From few to many the map goes one way in lightness, so that it reads without colours too.
  @Test(arguments: [Theme.Name.standard, .light, .dark]) func theHeatMapGoesOneWay(_ name: Theme.Name) {
    let lightness = (0..<Theme.heatLevels).map { level -> Double in
      guard case .palette(let index) = Theme(depth: .full, name: name).style(.heat(level)).foreground else { return 0 }
      let color = Palette.rgb(index)
      return 0.3 * Double(color.red) + 0.59 * Double(color.green) + 0.11 * Double(color.blue)
    }
    let rises = zip(lightness, lightness.dropFirst()).map { $0 < $1 }
    #expect(rises.allSatisfy { $0 == (name != .light) }, "\(name) \(lightness)")
  }

  /// Contrast of text against the background that the theme is for, as WCAG reckons it.
  @Test func lightAndDarkReadWell() {
    func luminance(_ index: UInt8) -> Double {
      let color = Palette.rgb(index)
      return 0.2126 * channel(color.red) + 0.7152 * channel(color.green) + 0.0722 * channel(color.blue)
    }
    func channel(_ value: Int) -> Double {
      let share = Double(value) / 255
      return share <= 0.04045 ? share / 12.92 : share * share * (0.4 + 0.6 * share)
    }
    let roles: [Role] = [
      .label, .title, .accent, .write, .read, .unique, .tag, .range, .good, .warning, .alert, .string,
    ]
    for (name, background) in [(Theme.Name.light, 1.0), (.dark, 0.0)] {
      for role in roles {
        guard case .palette(let index) = Theme(depth: .full, name: name).style(role).foreground else { continue }
        let (one, two) = (luminance(index) + 0.05, background + 0.05)
        let contrast = max(one, two) / min(one, two)
        #expect(contrast >= 4, "\(name) \(role): \(contrast)")
      }
    }
  }

  @Test func monoAndNoColoursAreTheSame() {
    for role in [Role.text, .alert, .warning, .write, .read, .heat(7), .selection] {
      #expect(Theme(depth: .full, name: .mono).style(role) == Theme(depth: .none).style(role))
      #expect(Theme(depth: .full, name: .mono).style(role).foreground == .default)
    }
  }

  @Test func keysAndCommandsChangeTheLook() {
    var model = Script().model(5)
    _ = model.update(.key(.character("T")))
    #expect(model.theme == .light)
    for _ in 0..<3 { _ = model.update(.key(.character("T"))) }
    #expect(model.theme == .standard)
    for (text, check) in [
      ("theme-dark", { $0.theme == .dark }), ("glyphs-ascii", { $0.glyphs == .ascii }),
      ("layout-teaching", { $0.arrangement == .teaching }),
    ] as [(String, (Model) -> Bool)] {
      _ = model.update(.key(.character(":")))
      for character in text { _ = model.update(.key(.character(character))) }
      _ = model.update(.key(.enter))
      #expect(check(model), "\(text)")
    }
    _ = model.update(.key(.character("L")))
    #expect(model.arrangement == .watching)
  }

  /// The panels alone do not tell which layout it is; another key brings the keys back.
  @Test func aLayoutSaysItsName() {
    var model = Script().model(5, width: 80, height: 24)
    func footer() -> String { Renderer.render(model, colors: .none).lines.last ?? "" }
    for name in ["browsing", "teaching", "watching"] {
      _ = model.update(.key(.character("L")))
      #expect(footer().contains("layout: \(name) "), "\(footer())")
    }
    _ = model.update(.key(.down))
    #expect(footer().contains("L layout"))
    // On a screen where the text of the layout has no room.
    _ = model.update(.resize(width: 40, height: 10))
    for _ in 0..<2 { _ = model.update(.key(.character("L"))) }
    #expect(footer().contains("layout: teaching, no room for text"))
  }
}
