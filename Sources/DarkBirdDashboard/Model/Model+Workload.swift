import DarkBird
import Terminal

extension Model {
  /// What runs now; nil if there is no workload that could be changed.
  var runningOptions: WorkloadOptions? { history.last?.workload?.options }
  /// What the settings show: with the changes that are not applied yet.
  var workloadOptions: WorkloadOptions? { workloadView.draft ?? runningOptions }

  var workloadSettings: [WorkloadSetting] {
    guard let options = workloadOptions else { return [] }
    let ack: [WorkloadSetting] = identity.isInMemory ? [] : [.acknowledgement]
    return [.preset, .distribution, .rate, .writers, .readers, .documents] + ack
      + options.preset.shares.map { .share($0) }
  }

  mutating func performWorkload(_ command: Command) -> [Effect] {
    switch command {
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
      workloadView.draft = nil
      return [.workload(.run(options))]
    case .startStop:
      guard let options = workloadOptions, let progress = history.last?.workload?.progress else { return [] }
      if progress.isRunning { return [.workload(.end)] }
      workloadView.draft = nil
      return [.workload(.run(options))]
    case .pauseWorkload:
      guard runningOptions != nil, let progress = history.last?.workload?.progress, progress.isRunning else {
        return []
      }
      return [.workload(.setPaused(progress.phase != .paused))]
    default:
      let page = max(1, (WorkloadLayout(self).rect(of: .settings)?.height ?? 4) - 3)
      workloadView.selected = Scroll.selected(
        workloadView.selected, by: command, page: page, count: workloadSettings.count)
    }
    return []
  }

  private mutating func changeSetting(by step: Int) {
    let settings = workloadSettings
    guard var options = workloadOptions, settings.indices.contains(workloadView.selected) else { return }
    settings[workloadView.selected].change(&options, by: step)
    workloadView.draft = options == runningOptions ? nil : options
    workloadView.selected = min(workloadView.selected, workloadSettings.count - 1)
  }
}
