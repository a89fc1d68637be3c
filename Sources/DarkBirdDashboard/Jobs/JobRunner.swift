import DarkBird
import Dispatch
import Foundation
import Synchronization

/// How far a job has come, and how it ended.
struct JobReport: Hashable, Sendable {
  enum Outcome: Hashable, Sendable {
    case running
    /// With what came of it.
    case done(String)
    /// With what is left of it.
    case cancelled(String)
    case failed(String)
  }

  var progress = DashboardJob.Progress()
  /// Since it began.
  var seconds = 0.0
  var outcome = Outcome.running
}

/// Runs jobs, each on a thread of its own.
final class JobRunner: Sendable {
  private static let reportInterval = Duration.milliseconds(100)
  /// How long the end waits for jobs that were told to give up: one that waits for a server must not keep the terminal.
  private static let patience = DispatchTimeInterval.seconds(5)

  /// Whether they are to give up, of those that run.
  private let jobs = Mutex<[Int: Bool]>([:])
  private let running = DispatchGroup()
  private let deliver: @Sendable (Int, JobReport) -> Void

  init(deliver: @escaping @Sendable (Int, JobReport) -> Void) { self.deliver = deliver }

  func start(_ id: Int, _ body: @escaping @Sendable (_ progress: (DashboardJob.Progress) -> Bool) throws -> String) {
    jobs.withLock { $0[id] = false }
    running.enter()
    let thread = Thread { [self] in
      let report = run(id, body)
      jobs.withLock { $0[id] = nil }
      deliver(id, report)
      running.leave()
    }
    thread.name = "darkbird-job"
    thread.start()
  }

  func cancel(_ id: Int) { jobs.withLock { if $0[id] != nil { $0[id] = true } } }

  /// Asks all to give up, and waits until they have, so that nothing is left half done.
  func stop() {
    jobs.withLock { jobs in for id in jobs.keys { jobs[id] = true } }
    _ = running.wait(timeout: .now() + Self.patience)
  }

  private func run(_ id: Int, _ body: (_ progress: (DashboardJob.Progress) -> Bool) throws -> String) -> JobReport {
    let start = ContinuousClock.now
    var report = JobReport()
    var nextReport = start
    do {
      let result = try body { progress in
        let now = ContinuousClock.now
        report.progress = progress
        report.seconds = (now - start) / .seconds(1)
        if now >= nextReport {
          nextReport = now + Self.reportInterval
          deliver(id, report)
        }
        return jobs.withLock { $0[id] } == false
      }
      report.outcome = .done(result)
    } catch let cancelled as DashboardJob.Cancelled {
      report.outcome = .cancelled(cancelled.remains)
    } catch is CancellationError {
      report.outcome = .cancelled("")
    } catch StoreError.cancelled {
      report.outcome = .cancelled("")
    } catch {
      report.outcome = .failed("\(error)")
    }
    report.seconds = (ContinuousClock.now - start) / .seconds(1)
    return report
  }
}
