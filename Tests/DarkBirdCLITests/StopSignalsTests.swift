import Foundation
import Testing

@testable import DarkBirdCLI

/// Signals of this process itself: serialized, for all of it has them.
@Suite(.serialized, .timeLimit(.minutes(30))) struct StopSignalsTests {
  /// As after a password was asked for, and then at the copy.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func signalThatComesAtOnceIsNotLostTheFirstTimeNorLater(
    signal: Int32
  ) async throws {
    for _ in 0..<3 {
      let stop = StopSignals()
      defer { stop.giveBack() }
      #expect(kill(getpid(), signal) == 0)
      try await eventually("signal \(signal)") { stop.isRequested }
      #expect(stop.received == signal)
    }
  }

  @Test func signalsThatAreIgnoredStaySo() async throws {
    signal(SIGHUP, SIG_IGN)
    defer { signal(SIGHUP, SIG_DFL) }
    let stop = StopSignals()
    defer { stop.giveBack() }
    #expect(kill(getpid(), SIGHUP) == 0)
    #expect(kill(getpid(), SIGTERM) == 0)
    try await eventually("the second") { stop.isRequested }
    #expect(stop.received == SIGTERM)
  }
}
