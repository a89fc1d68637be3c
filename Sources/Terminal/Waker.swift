#if canImport(Glibc)
  private import Glibc
#elseif canImport(Musl)
  private import Musl
#else
  private import Darwin
#endif

/// Ends a `CursesScreen.wait` from any thread. Works, without effect, after the screen is closed.
public final class Waker: Sendable {
  let readEnd: CInt
  private let writeEnd: CInt

  init() throws(TerminalError) {
    var ends: [CInt] = [-1, -1]
    guard pipe(&ends) == 0 else { throw .system(call: "pipe", code: errno) }
    for end in ends {
      _ = fcntl(end, F_SETFD, FD_CLOEXEC)
      _ = fcntl(end, F_SETFL, O_NONBLOCK)
    }
    readEnd = ends[0]
    writeEnd = ends[1]
  }

  deinit {
    close(readEnd)
    close(writeEnd)
  }

  /// Makes the current or next `wait` return `.wake`. Several calls before that are one.
  /// - Complexity: one system call that never blocks.
  public func wake() {
    var byte: UInt8 = 0
    // A full pipe wakes as well.
    _ = write(writeEnd, &byte, 1)
  }

  func drain() {
    var bytes = [UInt8](repeating: 0, count: 64)
    while read(readEnd, &bytes, bytes.count) > 0 {}
  }
}
