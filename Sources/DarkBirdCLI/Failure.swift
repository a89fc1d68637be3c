import ArgumentParser
import DarkBird
import Foundation
import Terminal

/// Exit codes of BSD's <sysexits.h>, so that scripts can tell failures apart.
enum SysExit: Int32 {
  /// The command line makes no sense, or contradicts the store.
  case usage = 64
  /// A damaged store; input lines that were rejected.
  case dataError = 65
  /// A path that does not exist or is not what it should be.
  case noInput = 66
  /// No terminal to draw on.
  case unavailable = 69
  /// A bug of ours.
  case software = 70
  /// A file or directory that cannot be made.
  case cannotCreate = 73
  /// The disk is full or broken.
  case ioError = 74
  /// In use by someone else: works later.
  case temporaryFailure = 75
  case noPermission = 77
  case configuration = 78
}

/// The end of a command that did not work: one line for people, one code for scripts.
struct Failure: Error, CustomStringConvertible {
  var code: SysExit
  /// Begins with the path or the thing that is meant.
  var description: String

  init(_ code: SysExit, _ subject: String, _ reason: String) {
    self.code = code
    description = oneLine("\(subject): \(reason)")
  }

  /// A system call failed on `path`.
  init(_ path: String, errorNumber: Int32) {
    let code: SysExit =
      switch errorNumber {
      case ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG: .noInput
      case EACCES, EPERM, EROFS: .noPermission
      default: .ioError
      }
    self.init(code, path, String(cString: strerror(errorNumber)))
  }

  /// - Parameter path: the store that the error came from; most errors of a store do not name it.
  init(_ error: StoreError, path: String) {
    let code: SysExit =
      switch error {
      case .unknownIndex, .invertedRange, .invalidIndexValue, .unknownLSN: .usage
      case .duplicate, .keyExists, .tooLarge, .tooManyDocuments, .encodingFailed: .dataError
      case .invalidConfiguration: .configuration
      case .readOnly: .noPermission
      case .closed: .software
      case .diskFull, .poisoned: .ioError
      case .io(_, _, let errorNumber): Failure(path, errorNumber: errorNumber).code
      case .locked: .temporaryFailure
      case .notAStore, .notABackup: .noInput
      case .targetExists: .cannotCreate
      case .cancelled: .temporaryFailure
      case .migrationNeeded: .noPermission
      case .migrationFailed, .newerSchema: .dataError
      case .newerFormat, .corrupt, .undecodable, .duplicateOnOpen, .logTruncated: .dataError
      @unknown default: .software
      }
    let text = error.description
    self.code = code
    // It, a file in it, or one beside it, such as a draft.
    let isNamed = [":", "/", "."].contains { text.hasPrefix(path + $0) }
    description = oneLine(isNamed ? text : "\(path): \(text)")
  }

  init(_ error: DatabaseError, database: String) {
    let code: SysExit =
      switch error.kind {
      case .address, .query: .usage
      case .unreachable, .busy: .temporaryFailure
      case .authentication, .certificate, .permission: .noPermission
      case .noDatabase, .noTable: .noInput
      case .otherTable: .cannotCreate
      case .disk: .ioError
      case .columnType, .refused: .dataError
      @unknown default: .dataError
      }
    self.init(code, database, error.reason)
  }

  /// - Parameter database: what errors of a database come from; by default the same.
  init(_ error: any Error, path: String, database: String? = nil) {
    switch error {
    case let failure as Failure: self = failure
    case let error as StoreError: self.init(error, path: path)
    case let error as DatabaseError: self.init(error, database: database ?? path)
    case let error as TerminalError: self.init(error)
    default: self.init(.software, path, String(describing: error))
    }
  }
}

/// Runs `body`, whose errors come from the store at `path`.
func onStore<Result>(_ path: String, _ body: () throws -> Result) throws(Failure) -> Result {
  do { return try body() } catch { throw Failure(error, path: path) }
}

/// Names and data from files end up in messages: no character may break the line, drive the terminal or turn the direction of
/// the text.
func oneLine(_ text: String) -> String {
  String(String.UnicodeScalarView(text.unicodeScalars.map { TypedJSON.drivesTerminal($0) ? " " : $0 }))
}

/// The same for text that a terminal must not act upon, with nothing of it hidden: what would break the line, drive the
/// terminal or turn the direction of the text stands as its number, `\u{1b}`.
func harmless(_ text: String) -> String {
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars {
    if TypedJSON.drivesTerminal(scalar) {
      result.append(contentsOf: "\\u{\(String(scalar.value, radix: 16))}".unicodeScalars)
    } else {
      result.append(scalar)
    }
  }
  return String(result)
}
