import Dispatch
import Foundation
import Synchronization

/// What a replay is to do.
enum PlayerOrder: Hashable, Sendable {
  case setPlaying(Bool)
  /// How many times faster than it was.
  case setSpeed(Int)
  /// Goes on from there, in nanoseconds of the recording. What it has reached before carries another number.
  case seek(UInt64, number: Int)
}

/// The thread that says how far a replay has come, at the pace of the recording or a multiple of it.
final class Player: Sendable {
  /// Not more often than there are frames.
  private static let intervalNanoseconds: UInt64 = 33_000_000

  private struct State {
    var orders: [PlayerOrder] = []
    var isStopped = false
  }

  private let state = Mutex(State())
  private let changed = DispatchSemaphore(value: 0)
  private let ended = DispatchSemaphore(value: 0)
  private let times: [UInt64]
  private let deliver: @Sendable (_ nanoseconds: UInt64, _ seek: Int) -> Void

  /// - Parameter times: of the samples, oldest first.
  init(times: [UInt64], deliver: @escaping @Sendable (_ nanoseconds: UInt64, _ seek: Int) -> Void) {
    self.times = times
    self.deliver = deliver
  }

  func start() {
    let thread = Thread { [self] in
      run()
      ended.signal()
    }
    thread.name = "darkbird-player"
    thread.start()
  }

  func stop() {
    state.withLock { $0.isStopped = true }
    changed.signal()
    ended.wait()
  }

  func order(_ order: PlayerOrder) {
    state.withLock { $0.orders.append(order) }
    changed.signal()
  }

  /// When the next sample was taken; nil after the last.
  private func time(after position: UInt64) -> UInt64? {
    var (low, high) = (0, times.count)
    while low < high {
      let middle = (low + high) / 2
      if times[middle] > position { high = middle } else { low = middle + 1 }
    }
    return low < times.count ? times[low] : nil
  }

  private func run() {
    var pace = PlayerPace(position: times.first ?? 0)
    var last = DispatchTime.now().uptimeNanoseconds
    while true {
      let (orders, isStopped) = state.withLock { state in
        defer { state.orders = [] }
        return (state.orders, state.isStopped)
      }
      if isStopped { return }
      let now = DispatchTime.now().uptimeNanoseconds
      pace.advance(now - last)
      last = now
      for order in orders { pace.obey(order) }
      deliver(pace.position, pace.seek)
      if let next = time(after: pace.position), let wait = pace.nanoseconds(until: next) {
        _ = changed.wait(timeout: .now() + .nanoseconds(Int(clamping: max(wait, Self.intervalNanoseconds))))
      } else {
        // Paused, or over: only an order changes anything.
        changed.wait()
        last = DispatchTime.now().uptimeNanoseconds
      }
    }
  }
}

/// Where a replay is: time of the recording, against time of the clock.
struct PlayerPace: Hashable {
  private(set) var position: UInt64
  /// The number of the last seek.
  private(set) var seek = 0
  private var speed: UInt64 = 1
  private var isPlaying = true

  init(position: UInt64) { self.position = position }

  /// So much time has gone by.
  mutating func advance(_ nanoseconds: UInt64) { if isPlaying { position &+= nanoseconds &* speed } }

  mutating func obey(_ order: PlayerOrder) {
    switch order {
    case .setPlaying(let wanted): isPlaying = wanted
    case .setSpeed(let wanted): speed = UInt64(min(max(wanted, 1), 60))
    case .seek(let nanoseconds, let number): (position, seek) = (nanoseconds, number)
    }
  }

  /// Time of the clock until the recording is there; nil while it is paused.
  func nanoseconds(until moment: UInt64) -> UInt64? {
    guard isPlaying else { return nil }
    return moment > position ? (moment - position + speed - 1) / speed : 0
  }
}
