import CDarkBird
import Foundation

/// Starts a thread that nobody waits for. Foundation's `Thread` does not tell that the system has refused to: `body` would never
/// run, and whoever waits for it would wait for ever.
///
/// - Parameter name: as debuggers show it; Linux keeps the first 15 bytes.
/// - Throws: `EAGAIN` where this user, or this container, has all the threads that it may have, or there is no memory for one more.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
  let context = Unmanaged.passRetained(ThreadBody(body))
  let code = db_start_thread(
    name,
    { context in
      guard let context else { return }
      Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().body()
    }, context.toOpaque())
  if code == 0 { return }
  context.release()
  throw SystemError(code: code, call: "startThread", path: name)
}

private final class ThreadBody: Sendable {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}

/// Processors that this process may use.
let processorCount = max(1, ProcessInfo.processInfo.activeProcessorCount)

extension FileSystem {
  /// Does jobs 0 to `count` - 1 on as many threads as there are processors, the caller's among them; on fewer where the system
  /// gives no more. libdispatch's `concurrentPerform` would wait until it does.
  /// - Returns: what the jobs return, in their order, when all threads but the caller's are done.
  func inParallel<Result: Sendable>(_ count: Int, _ job: @escaping @Sendable (Int) -> Result) -> [Result] {
    let jobs = ParallelJobs(count, job)
    for _ in 1..<max(1, min(count, processorCount)) {
      guard (try? startThread("darkbird index", jobs.startHelper())) != nil else {
        jobs.helperEnds()
        break
      }
    }
    return jobs.finish()
  }
}

/// Unchecked: everything that changes is only touched under the lock.
private final class ParallelJobs<Result: Sendable>: @unchecked Sendable {
  /// Nil when all is done: what it refers to is not to live as long as a helper takes to end.
  private var job: (@Sendable (Int) -> Result)?
  private let lock = Lock()
  private let ended = Condition()
  private var results: [Result?]
  private var next = 0
  private var helpers = 0

  init(_ count: Int, _ job: @escaping @Sendable (Int) -> Result) {
    self.job = job
    results = Array(repeating: nil, count: count)
  }

  /// What another thread is to do; `helperEnds` if there is none.
  func startHelper() -> @Sendable () -> Void {
    lock.withLock { helpers += 1 }
    return { [self] in
      work()
      helperEnds()
    }
  }

  func helperEnds() {
    lock.withLock { helpers -= 1 }
    ended.broadcast()
  }

  /// Works along until all is done.
  func finish() -> [Result] {
    work()
    return lock.withLock {
      while helpers > 0 { ended.wait(lock) }
      defer { (job, results) = (nil, []) }
      return results.compactMap { $0 }
    }
  }

  private func work() {
    while let (number, job) = lock.withLock({ take() }) {
      let result = job(number)
      lock.withLock { results[number] = result }
    }
  }

  private func take() -> (Int, @Sendable (Int) -> Result)? {
    guard let job, next < results.count else { return nil }
    next += 1
    return (next - 1, job)
  }
}
