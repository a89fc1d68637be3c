import Testing

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The named pipe on which a probe reports what happens to it, in a directory of its own.
final class Reports {
  let directory: String
  var path: String { directory + "/reports" }
  let descriptor: CInt
  private var buffer: [UInt8] = []
  /// All lines so far.
  private(set) var lines: [String] = []
  /// How many of them a test has asked for.
  private var taken = 0

  init() throws {
    var template = Array("/tmp/terminal-tests-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemFailure("mkdtemp") }
    directory = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    guard mkfifo(directory + "/reports", 0o600) == 0 else { throw SystemFailure("mkfifo") }
    // Also open for writing, so that it has no end while probes come and go.
    descriptor = open(directory + "/reports", O_RDWR | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemFailure("open") }
  }

  deinit {
    close(descriptor)
    unlink(path)
    rmdir(directory)
  }

  /// Reads what is there, without waiting.
  func collect() {
    var chunk = [UInt8](repeating: 0, count: 65536)
    while case let count = read(descriptor, &chunk, chunk.count), count > 0 { buffer += chunk[..<count] }
    while let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
      lines.append(String(decoding: buffer[..<end], as: UTF8.self))
      buffer.removeSubrange(...end)
    }
  }

  /// The first line that begins with `prefix` among those that no earlier call has passed; nil if there is none yet.
  func take(_ prefix: String) -> String? {
    guard let index = lines[taken...].firstIndex(where: { $0.hasPrefix(prefix) }) else { return nil }
    taken = index + 1
    return lines[index]
  }
}

/// How long a test waits for what must happen; long, for a loaded machine.
let patience = Duration.seconds(30)

/// The probe, which is built next to the tests.
func probePath() throws -> String {
  for argument in CommandLine.arguments {
    var folder = argument[...]
    while let slash = folder.lastIndex(of: "/") {
      folder = folder[..<slash]
      let path = folder + "/TerminalProbe"
      if access(String(path), X_OK) == 0 { return String(path) }
    }
  }
  throw SystemFailure("TerminalProbe", ENOENT)
}
