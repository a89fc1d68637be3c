internal import Foundation

/// The system's sentence for an `errno`, such as "No such file or directory".
///
/// `strerror` answers from constant text or, for numbers that no system defines, from storage of the calling thread
/// (glibc since 2.32), so that concurrent calls do not disturb each other.
package func errorMessage(_ code: Int32) -> String {
  guard let text = strerror(code) else { return "error \(code)" }
  return String(cString: text)
}
