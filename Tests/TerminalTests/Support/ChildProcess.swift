#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

struct SystemFailure: Error, CustomStringConvertible {
  let description: String

  init(_ call: String, _ code: CInt = errno) { description = "\(call): \(String(cString: strerror(code)))" }
}

/// A program that a test has started.
final class ChildProcess {
  enum Ending: Hashable, CustomStringConvertible {
    case exit(Int32)
    case signal(Int32)

    var description: String {
      switch self {
      case .exit(let status): "exit \(status)"
      case .signal(let number): "signal \(number)"
      }
    }
  }

  let pid: pid_t
  private(set) var ending: Ending?

  /// Starts `arguments[0]`, searched in PATH. `files` says what to open as descriptor 0, 1 and 2: a path, or a descriptor
  /// of this process. With `newSession`, a terminal among them becomes the controlling one.
  init(_ arguments: [String], environment: [String: String], files: [File], newSession: Bool) throws {
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
    for (index, file) in files.enumerated() {
      switch file {
      case .path(let path): posix_spawn_file_actions_addopen(&actions, CInt(index), path, O_RDWR, 0)
      case .descriptor(let descriptor): posix_spawn_file_actions_adddup2(&actions, descriptor, CInt(index))
      }
    }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    #if os(Linux)
      let setsid: CInt = 0x80  // POSIX_SPAWN_SETSID, which Swift's Glibc module lacks
    #else
      let setsid = CInt(POSIX_SPAWN_SETSID)
    #endif
    posix_spawnattr_setflags(
      &attributes, Int16((newSession ? setsid : 0) | CInt(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF)))

    var argv = arguments.map { strdup($0) } + [nil]
    var envp = environment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for string in argv + envp { free(string) } }
    var pid: pid_t = 0
    let code = posix_spawnp(&pid, arguments[0], &actions, &attributes, &argv, &envp)
    guard code == 0 else { throw SystemFailure("posix_spawn \(arguments[0])", code) }
    self.pid = pid
  }

  enum File {
    case path(String)
    case descriptor(CInt)
  }

  deinit {
    guard ending == nil else { return }
    kill(pid, SIGKILL)
    waitpid(pid, nil, 0)
  }

  /// Whether the process has ended by now.
  func hasEnded() -> Bool {
    if ending == nil { collect(WNOHANG) }
    return ending != nil
  }

  /// Waits until the process ends.
  func wait() -> Ending {
    while ending == nil { collect(0) }
    return ending ?? .exit(-1)
  }

  private func collect(_ options: CInt) {
    var status: CInt = 0
    guard waitpid(pid, &status, options) == pid else { return }
    let number = status & 0x7F
    ending = number == 0 ? .exit((status >> 8) & 0xFF) : .signal(number)
  }
}

/// Runs a program to its end and returns what it wrote to standard output.
func output(of arguments: [String], environment: [String: String]) throws -> (text: String, ending: ChildProcess.Ending)
{
  var ends: [CInt] = [-1, -1]
  guard pipe(&ends) == 0 else { throw SystemFailure("pipe") }
  for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
  defer { close(ends[0]) }
  let child: ChildProcess
  do {
    defer { close(ends[1]) }
    child = try ChildProcess(
      arguments, environment: environment, files: [.path("/dev/null"), .descriptor(ends[1]), .path("/dev/null")],
      newSession: false)
  }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while case let count = read(ends[0], &buffer, buffer.count), count > 0 { bytes += buffer[..<count] }
  return (String(decoding: bytes, as: UTF8.self), child.wait())
}
