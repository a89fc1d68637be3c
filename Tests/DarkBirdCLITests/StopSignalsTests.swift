import Foundation
import Testing

@testable import DarkBirdCLI

/// Signals of this process itself: serialized, for all of it has them.
@Suite(.serialized, .timeLimit(.minutes(30))) struct StopSignalsTests {
  /// As after a password was asked for, and then at the copy.
  @Test(arguments: [SIGINT, SIGTERM, SIGHUP]) func signalThatComesAtOnceIsNotLostTheFirstTimeNorLater(
    number: Int32
  ) async throws {
    // Whoever runs the tests in the background, or under nohup, has them ignored.
    let before = signal(number, SIG_DFL)
    defer { signal(number, before) }
    for _ in 0..<3 {
      let stop = StopSignals()
      defer { stop.giveBack() }
      #expect(kill(getpid(), number) == 0)
      try await eventually("signal \(number)") { stop.isRequested }
      #expect(stop.received == number)
    }
  }

  @Test func signalsThatAreIgnoredStaySo() async throws {
    let before = signal(SIGHUP, SIG_IGN)
    defer { signal(SIGHUP, before) }
    let stop = StopSignals()
    defer { stop.giveBack() }
    #expect(kill(getpid(), SIGHUP) == 0)
    #expect(kill(getpid(), SIGTERM) == 0)
    try await eventually("the second") { stop.isRequested }
    #expect(stop.received == SIGTERM)
  }
}
