package import DarkBird
import Foundation

/// Documents as text that no terminal acts upon, whatever is in them.
package enum ExportText {
  /// `{"key":…,"document":{…}}`, as `darkbird query --json` prints it.
  package static func json(key: Value, document: Record) -> String {
    harmlessJSON("{\"key\":\(key.json),\"document\":\(document.json)}")
  }

  /// JSON with an escape for each character that a terminal would take for a command or that turns the direction of the
  /// text, which JSON itself allows in a string; they stand nowhere else.
  package static func harmlessJSON(_ json: String) -> String {
    guard json.unicodeScalars.contains(where: { TypedJSON.drivesTerminal($0) && $0 != "\n" }) else { return json }
    var text = ""
    for scalar in json.unicodeScalars {
      if TypedJSON.drivesTerminal(scalar), scalar != "\n" {
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }

  /// A field of CSV, quoted where RFC 4180 asks for it. Line ends and tabs stay; what else a terminal would act upon stands
  /// as its number, `\u{1b}`: CSV has no escapes of its own.
  package static func csv(_ field: String) -> String {
    var text = ""
    var needsQuotes = false
    for scalar in field.unicodeScalars {
      switch scalar {
      case "\n", "\r", ",": needsQuotes = true
      case "\"":
        needsQuotes = true
        text += "\""
      case "\t": break
      case _ where TypedJSON.drivesTerminal(scalar):
        text += "\\u{\(String(scalar.value, radix: 16))}"
        continue
      default: break
      }
      text.unicodeScalars.append(scalar)
    }
    return needsQuotes ? "\"\(text)\"" : text
  }

  /// A word of a shell's command line, whatever is in it.
  package static func shell(_ word: String) -> String {
    let isPlain = !word.isEmpty && word.utf8.allSatisfy { plain.contains($0) }
    if isPlain { return word }
    guard word.unicodeScalars.contains(where: TypedJSON.drivesTerminal) else {
      return "'" + word.escaping("'", with: "'\\'") + "'"
    }
    var text = "$'"
    for scalar in word.unicodeScalars {
      if TypedJSON.drivesTerminal(scalar) {
        for byte in String(scalar).utf8 { text += "\\x" + (byte < 16 ? "0" : "") + String(byte, radix: 16) }
      } else {
        if scalar == "'" || scalar == "\\" { text += "\\" }
        text.unicodeScalars.append(scalar)
      }
    }
    return text + "'"
  }

  private static let plain = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%".utf8)
}

extension Value {
  /// The value without quotes around a string: for people and for CSV.
  package var plainText: String {
    switch self {
    case .null: ""
    case .string(let value): value
    case .date(let value): value.iso8601 ?? ""
    case .bytes(let value): Data(value).base64EncodedString()
    case .bool, .int, .unsigned, .double, .array, .map: json
    }
  }
}
