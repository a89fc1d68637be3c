import Foundation

extension Thread {
  /// Names the thread that calls it for `top -H` and the like, of which 15 bytes count. On Linux Foundation keeps the name of
  /// a thread to itself.
  static func nameCurrent(_ name: String) {
    Thread.current.name = name
    #if os(Linux)
      try? Data(name.utf8).write(to: URL(filePath: "/proc/thread-self/comm"))
    #endif
  }
}
