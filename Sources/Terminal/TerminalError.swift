#if canImport(Glibc)
  private import Glibc
#elseif canImport(Musl)
  private import Musl
#else
  private import Darwin
#endif

/// Why there can be no screen.
public enum TerminalError: Error, Hashable, Sendable {
  /// Standard input or output is a file or a pipe.
  case notATerminal(String)
  /// TERM is not set.
  case noTerminalType
  /// The terminfo database does not know TERM.
  case unknownTerminal(String)
  /// The terminal cannot place the cursor.
  case dumbTerminal(String)
  /// A screen is open already; there is one a process.
  case alreadyOpen
  /// A call of the operating system failed.
  case system(call: String, code: Int32)
}

extension TerminalError: CustomStringConvertible {
  /// One line for the user.
  public var description: String {
    switch self {
    case .notATerminal(let stream): "\(stream) is not a terminal"
    case .noTerminalType: "the environment variable TERM is not set"
    case .unknownTerminal(let type): "unknown terminal type TERM=\(type)"
    case .dumbTerminal(let type): "the terminal type TERM=\(type) cannot place the cursor"
    case .alreadyOpen: "the terminal is in use by another screen of this process"
    case .system(let call, let code): "\(call) failed on the terminal: \(String(cString: strerror(code)))"
    }
  }
}
