import Foundation
import Synchronization
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
///
/// Not Foundation's `Process`: on Linux that takes a program for running while any of its children runs, and tmux leaves
/// a server behind.
final class Program: Sendable {
  private enum State {
    case running
    case ended(status: Int32)
  }

  private let pid: pid_t
  private let state = Mutex(State.running)
  private let directory: TemporaryDirectory
  private let outputPath: String
  private let ended: AsyncStream<Never>

  /// - Parameters:
  ///   - input: what standard input holds; nil is /dev/null.
  ///   - output: the file for standard output, which exists; nil is one of its own.
  init(
    _ path: String, _ arguments: [String], input: [UInt8]? = nil, output: String? = nil,
    environment: [String: String] = [:], in workingDirectory: String? = nil
  ) throws {
    let directory = try TemporaryDirectory()
    self.directory = directory
    outputPath = try output ?? directory.file("out", "")
    var command = [path] + arguments
    if let workingDirectory { command = ["/bin/sh", "-c", "cd \"$0\" && exec \"$@\"", workingDirectory] + command }
    let variables = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    pid = try spawn(
      command, environment: variables, input: input.map { try directory.file("in", $0) } ?? "/dev/null",
      output: outputPath, errors: directory.file("err", ""))
    let (stream, continuation) = AsyncStream<Never>.makeStream()
    ended = stream
    Thread { [self] in
      var status: Int32 = 0
      while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
      state.withLock { $0 = .ended(status: status) }
      continuation.finish()
    }.start()
  }

  func send(_ signal: Int32) {
    // Under the lock: once the process is collected its number may be another's.
    state.withLock { if case .running = $0 { kill(pid, signal) } }
  }

  /// What it has written to standard error so far.
  var errors: String {
    get throws { String(decoding: try Data(contentsOf: URL(filePath: directory("err"))), as: UTF8.self) }
  }

  /// Waits for the end. A test that is cancelled, by its time limit, ends the program.
  func outcome() async throws -> Outcome {
    await withTaskCancellationHandler {
      for await _ in ended {}
    } onCancel: {
      send(SIGKILL)
    }
    guard case .ended(let status) = state.withLock({ $0 }) else { throw CancellationError() }
    func text(_ path: String) throws -> String {
      String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }
    let signal = status & 0x7f
    return Outcome(
      code: signal == 0 ? status >> 8 & 0xff : signal, wasKilled: signal != 0,
      output: outputPath.hasPrefix("/dev/") ? "" : try text(outputPath), errors: try text(directory("err")))
  }
}

/// Starts a program with default signal handling and files as its standard streams.
private func spawn(
  _ command: [String], environment: [String: String], input: String, output: String, errors: String
) throws -> pid_t {
  #if canImport(Darwin)
    var actions: posix_spawn_file_actions_t?
    var attributes: posix_spawnattr_t?
  #else
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
  #endif
  posix_spawn_file_actions_init(&actions)
  posix_spawnattr_init(&attributes)
  defer {
    posix_spawn_file_actions_destroy(&actions)
    posix_spawnattr_destroy(&attributes)
  }
  posix_spawn_file_actions_addopen(&actions, 0, input, O_RDONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 1, output, O_WRONLY, 0)
  posix_spawn_file_actions_addopen(&actions, 2, errors, O_WRONLY, 0)
  var signals = sigset_t()
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  sigfillset(&signals)
  posix_spawnattr_setsigdefault(&attributes, &signals)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))

  var argv = command.map { strdup($0) } + [nil]
  var envp = environment.map { strdup("\($0)=\($1)") } + [nil]
  defer { for string in argv + envp { free(string) } }
  var pid: pid_t = 0
  let code = posix_spawn(&pid, command[0], &actions, &attributes, &argv, &envp)
  if code != 0 { throw NoProgram(name: command[0]) }
  return pid
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
