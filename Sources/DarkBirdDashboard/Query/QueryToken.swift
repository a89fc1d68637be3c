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

  /// A text that `split` gives back as one token.
  static func quoted(_ text: String) -> String {
    let needsQuotes = text.isEmpty || text.contains { $0.isWhitespace || $0 == "\"" || $0 == "\\" }
    guard needsQuotes else { return text }
    return "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
  }
}

/// Why a query line cannot be understood, and at which word.
package struct QueryError: Error, Hashable, Sendable, CustomStringConvertible {
  var message: String
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
