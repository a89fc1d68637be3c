import DarkBird
import DarkBirdDashboard
import Foundation

/// Standard output in blocks, for commands that print many lines.
///
/// A reader that goes away (`darkbird query … | head`) is no error: `isOpen` turns false, and the command ends early.
final class Output {
  /// False once nobody reads any more. What is written then is dropped.
  private(set) var isOpen = true
  private var failure: Failure?
  private var buffer: [UInt8] = []
  private static let blockBytes = 64 << 10

  func write(_ text: String) {
    buffer.append(contentsOf: text.utf8)
    if buffer.count >= Self.blockBytes { flush() }
  }

  func line(_ text: String) {
    buffer.append(contentsOf: text.utf8)
    write("\n")
  }

  func flush() {
    if isOpen, let errorNumber = writeAll(buffer, to: STDOUT_FILENO) {
      isOpen = false
      if errorNumber != EPIPE { failure = Failure("standard output", errorNumber: errorNumber) }
    }
    buffer.removeAll(keepingCapacity: true)
  }

  /// Writes what is left.
  /// - Throws: if any write failed for another reason than a reader that went away.
  func finish() throws(Failure) {
    flush()
    if let failure { throw failure }
  }
}

/// The one line that tells what a command has done.
func printResult(_ line: String) throws(Failure) {
  let output = Output()
  output.line(line)
  try output.finish()
}

/// One line on standard error, `darkbird: ` before it.
func printError(_ message: String) { printNote("darkbird: \(message)") }

/// One line on standard error.
func printNote(_ message: String) { _ = writeAll(Array("\(message)\n".utf8), to: STDERR_FILENO) }

/// - Returns: the error number of the write that failed, nil if none did.
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Int32? {
  var rest = bytes[...]
  while !rest.isEmpty {
    // The pointer is used within the call only.
    let count = rest.withUnsafeBytes { Foundation.write(descriptor, $0.baseAddress, $0.count) }
    if count >= 0 {
      rest = rest.dropFirst(count)
    } else {
      let code = errno
      if !waitIfBlocked(descriptor, POLLOUT, code) { return code }
    }
  }
  return nil
}

/// `1234567` as `1,234,567`.
func grouped(_ number: some BinaryInteger) -> String {
  let digits = String(number.magnitude)
  var text = number < 0 ? "-" : ""
  for (index, digit) in digits.enumerated() {
    if index > 0 && (digits.count - index) % 3 == 0 { text.append(",") }
    text.append(digit)
  }
  return text
}

/// Nanoseconds with the unit that suits them: `850ns`, `4.1us`, `12ms`, `1.5s`.
func duration(nanoseconds: UInt64) -> String {
  var value = Double(nanoseconds)
  for unit in ["ns", "us", "ms", "s"] {
    if value < 999.5 || unit == "s" {
      return unit == "ns" || value >= 9.95 ? "\(Int(value.rounded()))\(unit)" : "\(decimal(value))\(unit)"
    }
    value /= 1_000
  }
  return "\(nanoseconds)ns"
}

/// One digit after the point.
func decimal(_ value: Double) -> String {
  let tenths = Int((value * 10).rounded())
  return "\(tenths / 10).\(tenths % 10)"
}

/// One JSON object, keys in snake case and in the order of the alphabet, one line, without characters that a terminal acts upon.
func jsonLine(_ value: some Encodable) throws -> String {
  let encoder = JSONEncoder()
  encoder.keyEncodingStrategy = .convertToSnakeCase
  encoder.dateEncodingStrategy = .iso8601
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  return ExportText.harmlessJSON(String(decoding: try encoder.encode(value), as: UTF8.self))
}
