/// The calls of the file system seam, each of which can fail by itself.
enum SimulatedCall: String, CaseIterable, Sendable {
  case createDirectory, list, exists, open, rename, remove, synchronizeDirectory
  case read, write, allocate, truncate, synchronize, size, tryLock
  case startThread
}

/// One planned failure: which call, when, and how.
struct SimulatedFault: Sendable {
  enum Effect: Sendable {
    /// The call does nothing and reports this `errno`.
    case error(Int32)
    /// A read or a write handles this many bytes at most.
    case short(Int)
  }

  var calls: Set<SimulatedCall>
  /// Only calls on paths that contain this text; empty for all.
  var path = ""
  /// Matching calls that still succeed before the first that fails.
  var after = 0
  /// Matching calls that fail.
  var times = 1
  var effect: Effect
  private(set) var hasStruck = false

  init(calls: Set<SimulatedCall>, path: String = "", after: Int = 0, times: Int = 1, effect: Effect) {
    self.calls = calls
    self.path = path
    self.after = after
    self.times = times
    self.effect = effect
  }

  static func once(_ calls: SimulatedCall..., error code: Int32, path: String = "", after: Int = 0) -> SimulatedFault {
    SimulatedFault(calls: Set(calls), path: path, after: after, effect: .error(code))
  }

  static func forever(
    _ calls: SimulatedCall..., error code: Int32, path: String = "", after: Int = 0
  ) -> SimulatedFault {
    SimulatedFault(calls: Set(calls), path: path, after: after, times: .max, effect: .error(code))
  }

  static func short(_ calls: SimulatedCall..., bytes: Int, after: Int = 0, times: Int = 1) -> SimulatedFault {
    SimulatedFault(calls: Set(calls), after: after, times: times, effect: .short(bytes))
  }

  /// Counts the call; returns what it shall suffer, if it is one of those that fail.
  mutating func strike(_ call: SimulatedCall, path callPath: String) -> Effect? {
    guard times > 0, calls.contains(call), path.isEmpty || callPath.contains(path) else { return nil }
    if after > 0 {
      after -= 1
      return nil
    }
    if times != .max { times -= 1 }
    hasStruck = true
    return effect
  }
}
