import DarkBird
import Terminal

extension Model {
  /// What runs now; nil if nobody knows, as of a workload that cannot be changed.
  var runningOptions: WorkloadOptions? { workloadView.ordered ?? history.last?.workload?.options }
  /// Where the scenario stands that is being played.
  var scenarioPlace: ScenarioPlace? { workloadView.ordered == nil ? history.last?.workload?.scenario : nil }
  /// What runs now, without what a scenario has made of it.
  private var baseOptions: WorkloadOptions? { scenarioPlace?.base ?? runningOptions }
  /// What the settings show: with the changes that are not applied yet, or in the past what ran then.
  var workloadOptions: WorkloadOptions? {
    workloadView.draft ?? (isPastWorkload ? shown?.workload?.options : runningOptions)
  }
  /// Whether the settings show what ran at another time than now.
  var isPastWorkload: Bool { time != .live && workloadView.draft == nil }
  /// Where the scenario stood, or stands, that the settings show.
  var shownScenarioPlace: ScenarioPlace? { isPastWorkload ? shown?.workload?.scenario : scenarioPlace }

  var workloadSettings: [WorkloadSetting] { workloadOptions.map(settings(of:)) ?? [] }

  private func settings(of options: WorkloadOptions) -> [WorkloadSetting] {
    let ack: [WorkloadSetting] = identity.isInMemory ? [] : [.acknowledgement]
    return [.preset, .distribution, .rate, .writers, .readers, .documents] + ack + [.scenario]
      + options.preset.shares.map { .share($0) }
  }

  mutating func performWorkload(_ command: Command) -> [Effect] {
    switch command {
    // Beside the settings, which may be out of sight.
    case .left where workloadView.focus == .run: workloadView.focus = .settings
    case .right where workloadView.focus == .run, .up where workloadView.focus == .run,
      .down where workloadView.focus == .run, .open where workloadView.focus == .run && !showsDraft:
      browse.notice = "\(keyMap.key(of: .panel(1), in: .workload)) goes to the settings"
    case .left where isRecorded(), .right where isRecorded(), .startStop where isRecorded(),
      .pauseWorkload where isRecorded():
      return []
    case .overview: view = .overview
    case .browse: return enterBrowse()
    case .nextPanel, .previousPanel: workloadView.focus = workloadView.focus == .settings ? .run : .settings
    case .panel(let number): workloadView.focus = WorkloadState.Pane(rawValue: number) ?? workloadView.focus
    case .zoom: workloadView.isZoomed.toggle()
    case .back:
      if workloadView.draft != nil {
        workloadView.draft = nil
        workloadView.selected = min(workloadView.selected, max(0, workloadSettings.count - 1))
      } else if workloadView.isZoomed {
        workloadView.isZoomed = false
      } else {
        view = home
      }
    case .left: changeSetting(by: -1)
    case .right: changeSetting(by: 1)
    case .open:
      guard let options = workloadView.draft else { return [] }
      return run(options)
    case .startStop:
      guard let options = workloadView.draft ?? runningOptions, let progress = history.last?.workload?.progress else {
        return []
      }
      if progress.isRunning {
        tellEndOfScenario("with the run")
        workloadView.order(nil, at: 0)
        return [.workload(.end)]
      }
      return run(workloadView.draft ?? baseOptions ?? options)
    case .pauseWorkload:
      guard runningOptions != nil, let progress = history.last?.workload?.progress, progress.isRunning else {
        return []
      }
      return [.workload(.setPaused(progress.phase != .paused))]
    default:
      if workloadView.focus == .run { return [] }
      let page = max(1, (WorkloadLayout(self).rect(of: .settings)?.height ?? 4) - 3)
      workloadView.selected = Scroll.selected(
        workloadView.selected, by: command, page: page, count: workloadSettings.count)
    }
    return []
  }

  /// Whether there is something to apply, and it is seen.
  private var showsDraft: Bool { workloadView.draft != nil && WorkloadLayout(self).rect(of: .settings) != nil }

  private mutating func run(_ options: WorkloadOptions) -> [Effect] {
    workloadView.draft = nil
    if let scenario = options.scenario {
      browse.notice = "scenario \(scenario.name): \(scenario.summary)"
    } else {
      var before = baseOptions
      before?.scenario = nil
      tellEndOfScenario(options == before ? "the load is as before it" : "the load was changed by hand")
    }
    workloadView.order(options, at: history.last?.nanoseconds ?? 0)
    return [.workload(.run(options))]
  }

  /// Whether what is shown is over; says so.
  private mutating func isRecorded() -> Bool {
    if replay != nil { browse.notice = "a recording cannot be changed" }
    return replay != nil
  }

  private mutating func tellEndOfScenario(_ how: String) {
    if let name = baseOptions?.scenario?.name { browse.notice = "scenario \(name) ended: \(how)" }
  }

  /// Begins a scenario, or ends the one that is played, with the load that was there before it.
  mutating func play(_ scenario: Scenario?) -> [Effect] {
    if isRecorded() { return [] }
    guard var options = baseOptions else {
      browse.notice = "no workload runs here that a scenario could change"
      return []
    }
    if scenario == nil, options.scenario == nil {
      browse.notice = "no scenario is played"
      return []
    }
    options.scenario = scenario
    return run(options)
  }

  /// Goes to a setting on the screen of the workload.
  mutating func show(_ setting: WorkloadSetting) -> [Effect] {
    view = .workload
    if let place = workloadSettings.firstIndex(of: setting) {
      (workloadView.focus, workloadView.selected) = (.settings, place)
    } else if workloadOptions != nil {
      browse.notice = "a store in memory has no setting '\(setting.title)'"
    }
    return []
  }

  private mutating func changeSetting(by step: Int) {
    let shown = workloadSettings
    guard var options = workloadView.draft ?? runningOptions, !shown.isEmpty else { return }
    let setting = shown[min(workloadView.selected, shown.count - 1)]
    guard settings(of: options).contains(setting) else {
      browse.notice = "what runs now has no '\(setting.title)'"
      return
    }
    if setting != .scenario {
      // What is changed by hand stays so.
      options.scenario = nil
    } else if let base = scenarioPlace?.base, options.scenario == base.scenario {
      // What comes after a scenario is what was there before it.
      options = base
    }
    setting.change(&options, by: step, scenarios: scenarios)
    keep(options, at: setting)
  }

  /// As the keys do it, to what somebody typed behind the name of the setting.
  mutating func change(_ setting: WorkloadSetting, to text: String) {
    if isRecorded() { return }
    guard var options = workloadView.draft ?? runningOptions else {
      browse.notice = "no workload runs here that could be changed"
      return
    }
    guard settings(of: options).contains(setting) else { return }
    options.scenario = nil
    do {
      try setting.change(&options, to: text)
    } catch {
      browse.notice = error.reason
      return
    }
    keep(options, at: setting)
    let value = "\(setting.title) \(setting.value(options))"
    let apply = keyMap.key(of: .open, in: .workload)
    browse.notice = workloadView.draft == nil ? "\(value) is what runs" : "\(apply) applies \(value)"
  }

  /// Until somebody applies it; what runs is no change.
  private mutating func keep(_ options: WorkloadOptions, at setting: WorkloadSetting) {
    workloadView.draft = options == runningOptions || options == scenarioPlace?.base ? nil : options
    let place = workloadSettings.firstIndex(of: setting) ?? workloadView.selected
    workloadView.selected = min(place, workloadSettings.count - 1)
  }
}
