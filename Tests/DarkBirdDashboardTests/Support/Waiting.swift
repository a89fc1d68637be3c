import Foundation

/// Waits for another thread, busily but not for ever.
func eventually(_ condition: () -> Bool) -> Bool {
  let deadline = ContinuousClock.now + .seconds(20)
  while ContinuousClock.now < deadline {
    if condition() { return true }
    sched_yield()
  }
  return false
}
