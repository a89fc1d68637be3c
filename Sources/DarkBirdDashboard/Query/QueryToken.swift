/// A word of a query line. Quotes keep blanks together: `tag:"club=FC Oslo"`; a backslash keeps the next character.
struct QueryToken: Hashable, Sendable {
  var text: String
  /// Characters before it in the line.
  var column: Int

  /// - Throws: `QueryError` for a quote that is never closed.
  static func split(_ line: String) throws(QueryError) -> [QueryToken] {
    var tokens: [QueryToken] = []
    var current: QueryToken?
    var quote: Int?
    var isEscaped = false
    for (column, character) in line.enumerated() {
      if isEscaped {
        current?.text.append(character)
        isEscaped = false
      } else if character == "\\" {
        current = current ?? QueryToken(text: "", column: column)
        isEscaped = true
      } else if character == "\"" {
        current = current ?? QueryToken(text: "", column: column)
        quote = quote == nil ? column : nil
      } else if character.isWhitespace, quote == nil {
        if let token = current { tokens.append(token) }
        current = nil
      } else {
        current = current ?? QueryToken(text: "", column: column)
        current?.text.append(character)
      }
    }
    if let quote {
      throw QueryError("the quote is never closed", token: String(line.dropFirst(quote)), column: quote)
    }
    if let token = current { tokens.append(token) }
    return tokens
  }

  /// The last word of a line that is being written, which may be in an open quote, and the characters before it.
  static func last(of line: String) -> (head: String, text: String) {
    var start = line.startIndex
    var text = ""
    var isQuoted = false
    var isEscaped = false
    for index in line.indices {
      let character = line[index]
      if isEscaped {
        text.append(character)
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "\"" {
        isQuoted.toggle()
      } else if character.isWhitespace, !isQuoted {
        start = line.index(after: index)
        text = ""
      } else {
        text.append(character)
      }
    }
    return (String(line[..<start]), text)
  }

  /// A text that `split` gives back as one token.
  static func quoted(_ text: String) -> String {
    needsQuotes(text) || text.isEmpty ? opened(text) + "\"" : text
  }

  /// The beginning of a token that more may follow, in a quote if it needs one.
  static func begun(_ text: String) -> String { needsQuotes(text) ? opened(text) : text }

  private static func needsQuotes(_ text: String) -> Bool {
    text.contains { $0.isWhitespace || $0 == "\"" || $0 == "\\" }
  }

  private static func opened(_ text: String) -> String {
    "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"")
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
