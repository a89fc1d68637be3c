package import DarkBird
import Foundation
import Synchronization

/// How the program is started that the tour kills: `TourWriting.run` in a process of its own.
package struct TourWriterCommand: Sendable {
  package var executable: String
  package var arguments: [String]

  /// - Parameter arguments: before those of the writer.
  package init(executable: String, arguments: [String]) {
    self.executable = executable
    self.arguments = arguments
  }
}

/// The process that writes until it is killed, as the tour sees it: what it says on its standard output.
final class TourWriter: Sendable {
  static let pageRecords = 400
  /// How far a write must have come before it is told of.
  static let acknowledgement = Acknowledgement.written

  private let process = Process()
  private let output = Pipe()
  private let errors = Pipe()
  /// Once it was waited for, its number may be another's.
  private let isOver = Mutex(false)
  private let said = Mutex((bytes: 0, lines: 0))
  let processIdentifier: Int32

  init(_ command: TourWriterCommand, store: String, isPaced: Bool) throws {
    process.executableURL = URL(filePath: command.executable)
    process.arguments = command.arguments + [store] + (isPaced ? ["--paced"] : [])
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    processIdentifier = process.processIdentifier
  }

  /// Writes that it has said the log has.
  var acknowledged: Int { said.withLock { $0.lines } }

  /// Waits for more.
  /// - Returns: false at the end.
  func readMore() -> Bool {
    let data = output.fileHandleForReading.availableData
    if data.isEmpty { return false }
    let lines = data.count { $0 == UInt8(ascii: "\n") }
    said.withLock { $0.lines += lines }
    return true
  }

  /// What it says is wrong, after its end.
  var complaint: String {
    let data = (try? errors.fileHandleForReading.readToEnd()) ?? nil
    let text = String(decoding: data ?? Data(), as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    return text.isEmpty ? "it does not say why" : text
  }

  func kill() {
    isOver.withLock { isOver in
      if !isOver { _ = Foundation.kill(processIdentifier, SIGKILL) }
    }
  }

  /// Waits for its end.
  /// - Returns: the signal that has ended it.
  func wait() -> Int32? {
    process.waitUntilExit()
    isOver.withLock { $0 = true }
    return process.terminationReason == .uncaughtSignal ? process.terminationStatus : nil
  }
}

/// What the process does that the tour kills.
package enum TourWriting {
  /// Writes people into a store until it is killed, or until nobody listens any more, and says a line for each write that
  /// the log has.
  /// - Parameters:
  ///   - isPaced: slow enough to be watched.
  ///   - say: takes a line; returns false when nobody listens any more.
  package static func run(_ path: String, isPaced: Bool, say: (String) -> Bool) throws(StoreError) {
    var configuration = StoreConfiguration.disk(at: path)
    configuration.pageCapacity = .records(TourWriter.pageRecords)
    let store = try Store<String, Person>(configuration)
    var number = 0
    while true {
      let person = Person(seed: 1, number: number, revision: 0)
      try store.put(person, for: Person.key(number), ack: TourWriter.acknowledgement)
      if !say("\(number)\n") { break }
      number += 1
      if isPaced { usleep(1_000) }
    }
    try store.close()
  }
}
