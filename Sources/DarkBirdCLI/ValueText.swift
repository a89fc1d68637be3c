import DarkBird
import Foundation

extension Value {
  /// The value without quotes around a string: for people and for CSV.
  var plainText: String {
    switch self {
    case .null: return ""
    case .string(let value): return value
    case .date(let value): return value.iso8601 ?? ""
    case .bytes(let value): return Data(value).base64EncodedString()
    case .bool, .int, .unsigned, .double, .array, .map: return json
    }
  }
}

/// Quotes a CSV field where RFC 4180 asks for it.
func csvField(_ text: String) -> String {
  let needsQuotes = text.utf8.contains {
    $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == 0x0a || $0 == 0x0d
  }
  return needsQuotes ? "\"" + text.replacing("\"", with: "\"\"") + "\"" : text
}

/// What a word of the command line may stand for in a store: itself, then the number, truth value or date it reads as.
func readings(of text: String) -> [Value] {
  let typed = CSVReader.value(text) ?? .string(text)
  if case .string = typed { return [.string(text)] }
  return [.string(text), typed]
}
