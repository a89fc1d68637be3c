import DarkBird

/// A word of a query line. Quotes keep blanks together: `tag:"club=FC Oslo"`; a backslash keeps what is behind it. By scalars,
/// for a value may begin with a mark, which makes one character of itself and the quote before it.
struct QueryToken: Hashable, Sendable {
  var text: String
  /// Characters before it in the line.
  var column: Int

  /// - Throws: `QueryError` for a quote that is never closed.
  static func split(_ line: String) throws(QueryError) -> [QueryToken] {
    var tokens: [QueryToken] = []
    var current: QueryToken?
    var quote: String.Index?
    var isEscaped = false
    for index in line.unicodeScalars.indices {
      let scalar = line.unicodeScalars[index]
      if isEscaped {
        current?.text.unicodeScalars.append(scalar)
        isEscaped = false
        continue
      }
      if scalar.properties.isWhitespace, quote == nil {
        if let token = current { tokens.append(token) }
        current = nil
        continue
      }
      current = current ?? QueryToken(text: "", column: line.distance(from: line.startIndex, to: index))
      switch scalar {
      case "\\": isEscaped = true
      case "\"": quote = quote == nil ? index : nil
      default: current?.text.unicodeScalars.append(scalar)
      }
    }
    if let quote {
      throw QueryError(
        "the quote is never closed", token: String(line[quote...]),
        column: line.distance(from: line.startIndex, to: quote))
    }
    if let token = current { tokens.append(token) }
    return tokens
  }

  /// The last word of a line that is being written, which may be in an open quote, and the characters before it.
  static func last(of line: String) -> (head: String, text: String) {
    let scalars = line.unicodeScalars
    var start = line.startIndex
    var text = ""
    var isQuoted = false
    var isEscaped = false
    for index in scalars.indices {
      let scalar = scalars[index]
      if isEscaped {
        text.unicodeScalars.append(scalar)
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else if scalar == "\"" {
        isQuoted.toggle()
      } else if scalar.properties.isWhitespace, !isQuoted {
        start = scalars.index(after: index)
        text = ""
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return (String(scalars[..<start]), text)
  }

  /// A text that `split` gives back as one token.
  static func quoted(_ text: String) -> String {
    needsQuotes(text) || text.isEmpty ? opened(text) + "\"" : text
  }

  /// The beginning of a token that more may follow, in a quote if it needs one.
  static func begun(_ text: String) -> String { needsQuotes(text) ? opened(text) : text }

  private static func needsQuotes(_ text: String) -> Bool {
    text.unicodeScalars.contains { $0.properties.isWhitespace || $0 == "\"" || $0 == "\\" }
  }

  private static func opened(_ text: String) -> String {
    "\"" + text.escaping("\\", "\"", with: "\\")
  }
}

/// Why a query line cannot be understood, and at which word.
package struct QueryError: Error, Hashable, Sendable, CustomStringConvertible {
  package var message: String
  var token: String
  /// Characters before the word.
  package var column: Int

  init(_ message: String, token: String, column: Int) {
    self.message = message
    self.token = token
    self.column = column
  }

  init(_ message: String, at token: QueryToken) { self.init(message, token: token.text, column: token.column) }

  package var description: String { token.isEmpty ? message : "'\(token)': \(message)" }
}
