import Dispatch
import Foundation
import Synchronization

/// What the operations of one thread saw: keeps the compiler from leaving reads out, and counts what they found.
struct Tally: Sendable {
  /// Number of the thread.
  var thread = 0
  /// Documents that were found or visited.
  var documents = 0
  var checksum = 0

  @inline(__always)
  mutating func visit(_ age: Int) {
    documents += 1
    checksum &+= age
  }
}

/// Operations that several threads did.
struct Run: Sendable {
  var threads: Int
  /// Operations a second are counted in these.
  var operations: Int
  var seconds: Double
  /// Of all threads of the process.
  var processorSeconds = 0.0
  var tally = Tally()
  var latency: BenchResult.Latency?

  var operationsPerSecond: Double { Double(operations) / seconds }

  /// The same run with the documents that were visited as operations.
  var countingDocuments: Run {
    var run = self
    run.operations = tally.documents
    return run
  }
}

func monotonicNanoseconds() -> UInt64 { DispatchTime.now().uptimeNanoseconds }

/// Does the operations `0 ..< operations` on threads of their own, each a contiguous part of them.
///
/// The clock starts when all threads wait to begin and stops when the last one is done and `finish` returns. One operation
/// in `stride` is timed; what was measured goes into a histogram only after the clock has stopped.
///
/// - Throws: the first error of an operation, after all threads have ended.
func measure(
  threads: Int, operations: Int, timingOneIn stride: Int = 64, finish: () throws -> Void = {},
  _ operation: @escaping @Sendable (_ index: Int, _ tally: inout Tally) throws -> Void
) throws -> Run {
  struct Part: Sendable {
    var tally = Tally()
    var samples: [UInt64] = []
  }
  let parts = Mutex<(done: [Part], failure: (any Error)?)>(([], nil))
  let ready = DispatchSemaphore(value: 0)
  let start = DispatchSemaphore(value: 0)
  let end = DispatchSemaphore(value: 0)
  for thread in 0..<threads {
    let range = operations * thread / threads..<operations * (thread + 1) / threads
    let worker = Thread {
      var part = Part()
      part.tally.thread = thread
      part.samples.reserveCapacity(range.count / stride + 1)
      var failure: (any Error)?
      ready.signal()
      start.wait()
      do {
        var index = range.lowerBound
        while index < range.upperBound {
          let next = min(index + stride, range.upperBound)
          let began = monotonicNanoseconds()
          try operation(index, &part.tally)
          part.samples.append(monotonicNanoseconds() - began)
          index += 1
          while index < next {
            try operation(index, &part.tally)
            index += 1
          }
        }
      } catch {
        failure = error
      }
      parts.withLock {
        $0.done.append(part)
        $0.failure = $0.failure ?? failure
      }
      end.signal()
    }
    worker.stackSize = 1 << 20
    worker.start()
  }
  for _ in 0..<threads { ready.wait() }
  let spentBefore = processorSeconds()
  let began = monotonicNanoseconds()
  for _ in 0..<threads { start.signal() }
  for _ in 0..<threads { end.wait() }
  try finish()
  let nanoseconds = monotonicNanoseconds() - began
  let spent = processorSeconds() - spentBefore
  let (done, failure) = parts.withLock { ($0.done, $0.failure) }
  if let failure { throw failure }

  var run = Run(threads: threads, operations: operations, seconds: Double(max(nanoseconds, 1)) / 1e9)
  run.processorSeconds = spent
  for part in done {
    run.tally.documents += part.tally.documents
    run.tally.checksum &+= part.tally.checksum
  }
  run.latency = BenchResult.Latency(done.flatMap(\.samples))
  return run
}

/// Makes many values, on all processors.
func prepare<Value: Sendable>(_ range: Range<Int>, _ make: @Sendable (Int) -> Value) -> [Value] {
  let parts = max(1, min(range.count / 1_000, ProcessInfo.processInfo.activeProcessorCount))
  let made = Mutex([[Value]](repeating: [], count: parts))
  DispatchQueue.concurrentPerform(iterations: parts) { part in
    let first = range.lowerBound + range.count * part / parts
    let values = (first..<range.lowerBound + range.count * (part + 1) / parts).map(make)
    made.withLock { $0[part] = values }
  }
  return made.withLock { parts == 1 ? $0[0] : Array($0.joined()) }
}

/// The middle of several figures; the mean of the two in the middle of an even number. There is at least one.
func median(_ figures: [Double]) -> Double {
  let sorted = figures.sorted()
  return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
}
