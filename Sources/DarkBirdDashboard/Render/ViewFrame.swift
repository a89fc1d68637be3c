import Terminal

/// The lines around a view: header, alerts and line of time as far as there is room, keys.
struct ViewFrame: Sendable {
  /// Smaller than this there is one line that says so.
  static let widthMin = 40
  static let heightMin = 10

  private(set) var header = Rect(x: 0, y: 0, width: 0, height: 0)
  private(set) var alerts: Rect?
  /// Only while a job runs, and not where it is shown anyway.
  private(set) var job: Rect?
  /// Where there is much room, and while the view is paused: nobody should go through time blindly.
  private(set) var timeline: Rect?
  private(set) var footer = Rect(x: 0, y: 0, width: 0, height: 0)
  private(set) var body = Rect(x: 0, y: 0, width: 0, height: 0)

  init(_ model: Model) {
    self.init(
      width: model.width, height: model.height, hasJob: model.view != .jobs && !model.jobs.running.isEmpty,
      isPaused: model.time != .live)
  }

  init(width: Int, height: Int, hasJob: Bool = false, isPaused: Bool = false) {
    guard width >= Self.widthMin, height >= Self.heightMin else { return }
    header = Rect(x: 0, y: 0, width: width, height: 1)
    footer = Rect(x: 0, y: height - 1, width: width, height: 1)
    body = Rect(x: 0, y: 1, width: width, height: height - 2)
    if height >= 14 {
      alerts = Rect(x: 0, y: 1, width: width, height: 1)
      body.y += 1
      body.height -= 1
    }
    if height >= 16, hasJob {
      job = Rect(x: 0, y: body.y, width: width, height: 1)
      body.y += 1
      body.height -= 1
    }
    if height >= 32 || isPaused && height >= 14 {
      timeline = Rect(x: 0, y: height - 2, width: width, height: 1)
      body.height -= 1
    }
  }
}
