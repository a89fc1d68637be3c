import Terminal

/// What the loop needs of a terminal: the real one, or one that a test scripts.
protocol DashboardScreen: AnyObject {
  var size: (width: Int, height: Int) { get }
  var colorDepth: ColorDepth { get }
  /// The next input, or nil after the deadline.
  func wait(until deadline: ContinuousClock.Instant?) -> TerminalInput?
  func present(_ canvas: Canvas)
  func redraw()
  func setMouse(_ isOn: Bool)
}

extension CursesScreen: DashboardScreen {}
