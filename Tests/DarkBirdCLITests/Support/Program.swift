import Foundation
import Testing

/// How a program ended, and what it wrote.
struct Outcome: CustomStringConvertible {
  /// The exit code, or the signal's number if a signal ended it.
  var code: Int32
  var wasKilled: Bool
  var output: String
  var errors: String

  /// The lines of standard output.
  var lines: [Substring] { output.split(separator: "\n") }

  var description: String {
    "\(wasKilled ? "signal" : "exit") \(code)\nstdout: \(output.prefix(4_000))\nstderr: \(errors)"
  }
}

/// A program that a test runs, with its output in files: however much it writes, nobody needs to read along.
final class Program: @unchecked Sendable {
  // Unchecked: Foundation's `Process` is not marked. One test owns it, and what is called from elsewhere (`terminate`,
  // the handler that resumes the waiting test) is what Foundation lets other threads call.
  private let process = Process()
  private let directory: TemporaryDirectory
  private let ended: AsyncStream<Void>
  private let outputFile: FileHandle?

  /// - Parameters:
  ///   - input: what standard input holds; nil is /dev/null.
  ///   - output: where standard output goes instead of a file.
  init(
    _ path: String, _ arguments: [String], input: [UInt8]? = nil, output: FileHandle? = nil,
    environment: [String: String] = [:], in workingDirectory: String? = nil
  ) throws {
    directory = try TemporaryDirectory()
    process.executableURL = URL(filePath: path)
    process.arguments = arguments
    process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let workingDirectory { process.currentDirectoryURL = URL(filePath: workingDirectory) }
    process.standardInput =
      try input.map { try FileHandle(forReadingFrom: URL(filePath: directory.file("in", $0))) } ?? .nullDevice
    outputFile = output
    process.standardOutput = try output ?? FileHandle(forWritingTo: URL(filePath: directory.file("out", "")))
    process.standardError = try FileHandle(forWritingTo: URL(filePath: directory.file("err", "")))
    let (stream, continuation) = AsyncStream<Void>.makeStream()
    ended = stream
    process.terminationHandler = { _ in continuation.finish() }
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  var pid: Int32 { process.processIdentifier }

  func send(_ signal: Int32) { kill(pid, signal) }

  /// Waits for the end. A test that is cancelled, by its time limit, ends the program.
  func outcome() async throws -> Outcome {
    await withTaskCancellationHandler {
      for await _ in ended {}
    } onCancel: {
      kill(process.processIdentifier, SIGKILL)
    }
    func text(_ name: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(filePath: directory(name))), as: UTF8.self)
    }
    return Outcome(
      code: process.terminationStatus, wasKilled: process.terminationReason == .uncaughtSignal,
      output: outputFile == nil ? try text("out") : "", errors: try text("err"))
  }
}

/// Where SwiftPM has put the programs of this package: beside the bundle of the tests.
func builtProgram(_ name: String) throws -> String {
  let candidates = CommandLine.arguments + [Bundle.main.bundlePath, Bundle.main.executablePath ?? ""]
  for candidate in candidates where candidate.contains(".xctest") {
    var url = URL(filePath: candidate)
    while url.path.contains(".xctest") { url.deleteLastPathComponent() }
    let program = url.appending(path: name).path
    if FileManager.default.isExecutableFile(atPath: program) { return program }
  }
  throw NoProgram(name: name)
}

struct NoProgram: Error, CustomStringConvertible {
  var name: String
  var description: String { "\(name) is not beside the tests; swift build --build-tests makes it" }
}

/// Runs `darkbird` to its end.
func darkbird(
  _ arguments: String..., input: String? = nil, environment: [String: String] = [:], in directory: String? = nil
) async throws -> Outcome {
  try await Program(
    builtProgram("darkbird"), arguments, input: input.map { Array($0.utf8) }, environment: environment, in: directory
  ).outcome()
}

/// Runs a script with bash to its end.
func shell(_ script: String, environment: [String: String] = [:]) async throws -> Outcome {
  try await Program("/bin/bash", ["-c", script], environment: environment).outcome()
}

/// Looks again and again until `condition` holds, at most for a deadline that is long enough for a slow machine.
func eventually(
  _ what: String, within limit: Duration = .seconds(60), sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () async throws -> Bool
) async throws {
  let deadline = ContinuousClock.now + limit
  while try await !condition() {
    if ContinuousClock.now > deadline {
      Issue.record("not within \(limit): \(what)", sourceLocation: sourceLocation)
      throw TimedOut(what: what)
    }
    // Polling: gives the program that is waited for its turn on the processor.
    try await Task.sleep(for: .milliseconds(20))
  }
}

struct TimedOut: Error {
  var what: String
}

/// The root of this package.
var packageRoot: String {
  var url = URL(filePath: #filePath)
  for _ in 0..<4 { url.deleteLastPathComponent() }
  return url.path
}
