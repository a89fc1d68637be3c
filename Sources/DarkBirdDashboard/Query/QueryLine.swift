import DarkBird

/// The language of the query line, as text in, selection out:
///
///     key u:88123
///     unique email=ada@example.org
///     shard 17
///     tag:club=Ajax !tag:vip any:skill=swift any:skill=c range age 20..<35 sort:created desc limit 500
///
/// An empty line is everything.
package enum QueryLine {
  /// Words before a tag.
  static let tagWords = ["!tag:", "tag:", "any:"]
  static let words = ["key", "unique", "shard", "tag:", "!tag:", "any:", "range", "sort:", "asc", "desc", "limit"]

  /// - Throws: `QueryError`, which names the word that is wrong.
  package static func parse(
    _ line: String, _ vocabulary: QueryVocabulary = QueryVocabulary()
  ) throws(QueryError) -> Selection {
    var parser = Parser(tokens: try QueryToken.split(line), vocabulary: vocabulary)
    return try parser.selection()
  }

  /// What a line that can be read may have meant otherwise.
  package static func notes(_ line: String, _ vocabulary: QueryVocabulary = QueryVocabulary()) -> [String] {
    guard let tokens = try? QueryToken.split(line) else { return [] }
    var parser = Parser(tokens: tokens, vocabulary: vocabulary)
    _ = try? parser.selection()
    return parser.notes
  }
}

private struct Parser {
  let tokens: [QueryToken]
  let vocabulary: QueryVocabulary
  var position = 0
  /// Where the bounds of a range of numbers ended.
  var numbersEnd: Int?
  var notes: [String] = []

  init(tokens: [QueryToken], vocabulary: QueryVocabulary) {
    self.tokens = tokens
    self.vocabulary = vocabulary
  }

  mutating func selection() throws(QueryError) -> Selection {
    var query = Query()
    var limit: Int?
    var order: QueryToken?
    while position < tokens.count {
      let token = tokens[position]
      position += 1
      switch token.text {
      case "key":
        let key = try argument(of: token, "a key")
        return try alone(token, .key(key.text))
      case "unique":
        let lookup = try unique(after: token)
        return try alone(token, lookup)
      case "shard":
        let number = try argument(of: token, "the number of a shard")
        guard let shard = Int(number.text), shard >= 0 else {
          throw QueryError("shard takes a number from 0 upwards", at: number)
        }
        if let count = vocabulary.shards, shard >= count {
          throw QueryError("no such shard; there is \(count == 1 ? "0 alone" : "0 to \(count - 1)")", at: number)
        }
        return try alone(token, .shard(shard))
      case "range":
        query.ranges.append(try range(after: token))
      case "asc", "desc":
        query.order = token.text == "asc" ? .ascending : .descending
        order = token
      case "limit":
        let number = try argument(of: token, "a number")
        guard let value = Int(number.text), value > 0 else {
          throw QueryError("limit takes a number from 1 upwards", at: number)
        }
        limit = value
      default:
        try prefixed(token, into: &query)
      }
    }
    if let order, query.orderBy == nil {
      // One range is an order by itself; otherwise somebody must say what to sort by.
      guard query.ranges.count == 1 else {
        throw QueryError("sorts what? add sort: and one of \(QueryVocabulary.list(vocabulary.rangeNames))", at: order)
      }
      query.orderBy = query.ranges[0].field
    }
    return .query(query, limit: limit)
  }

  /// What to write instead of `Size>100`, `Size`, `Section=games`, if a field is meant.
  private func hint(_ text: String) -> String {
    if let words = hintAtSpelling(text) { return "write '\(words)'" }
    let name = String(text.prefix { !"<>=!:".contains($0) })
    if vocabulary.ranges.keys.contains(name) {
      return "write 'range \(name) LOWEST..HIGHEST'; either may be left out"
    }
    let value = text.dropFirst(name.count).drop { "<>=!:".contains($0) }
    if vocabulary.tagFields.contains(name) { return "write 'tag:\(name)=\(value.isEmpty ? "VALUE" : value)'" }
    if vocabulary.uniques.contains(name) { return "write 'unique \(name)=\(value.isEmpty ? "VALUE" : value)'" }
    if numbersEnd == position - 1 { return "bounds are LOWEST..HIGHEST, such as 1500..20000 or 100MB..2GB" }
    return "a condition begins with \(QueryLine.words.joined(separator: " "))"
  }

  /// For the word of a condition without its colon, with one too many, or with other capitals.
  private func hintAtSpelling(_ text: String) -> String? {
    let small = text.lowercased()
    let next = position < tokens.count ? QueryToken.quoted(tokens[position].text) : nil
    for word in QueryLine.tagWords + ["sort:"] {
      if small == word.dropLast(), let next { return word + next }
      if small.hasPrefix(word), !text.hasPrefix(word) {
        return word + QueryToken.quoted(String(text.dropFirst(word.count)))
      }
    }
    for word in ["range", "unique", "key", "limit", "shard"] {
      if small.hasPrefix(word + ":") {
        let rest = text.dropFirst(word.count + 1)
        return "\(word) \(rest.isEmpty ? next ?? "" : QueryToken.quoted(String(rest)))"
      }
      if small == word { return next.map { "\(word) \($0)" } ?? word }
    }
    return nil
  }

  private func prefixed(_ token: QueryToken, into query: inout Query) throws(QueryError) {
    if let name = token.text.value(after: "sort:") {
      guard vocabulary.ranges.keys.contains(name) else {
        throw QueryError("only range fields have an order: \(QueryVocabulary.list(vocabulary.rangeNames))", at: token)
      }
      query.orderBy = name
    } else if let text = token.text.value(after: "!tag:") {
      query.noTags.append(try tag(text, token))
    } else if let text = token.text.value(after: "tag:") {
      query.allTags.append(try tag(text, token))
    } else if let text = token.text.value(after: "any:") {
      query.anyTags.append(try tag(text, token))
    } else {
      throw QueryError(hint(token.text), at: token)
    }
  }

  /// `key` and `unique` find one document, and a shard is no index: nothing else makes sense beside them.
  private func alone(_ word: QueryToken, _ selection: Selection) throws(QueryError) -> Selection {
    if position < tokens.count {
      throw QueryError("\(word.text) stands alone", at: tokens[position])
    }
    if let first = tokens.first, first != word {
      throw QueryError("stands alone", at: word)
    }
    return selection
  }

  private mutating func argument(of word: QueryToken, _ what: String) throws(QueryError) -> QueryToken {
    guard position < tokens.count else { throw QueryError("needs \(what) after it", at: word) }
    defer { position += 1 }
    return tokens[position]
  }

  private mutating func unique(after word: QueryToken) throws(QueryError) -> Selection {
    let token = try argument(of: word, "NAME=VALUE, such as \(vocabulary.uniques.first ?? "email")=x")
    guard let (name, value) = token.text.nameAndValue else { throw QueryError("unique takes NAME=VALUE", at: token) }
    guard vocabulary.uniques.contains(name) else {
      throw QueryError("no such unique index; there is \(QueryVocabulary.list(vocabulary.uniques))", at: token)
    }
    return .unique(index: name, value: value)
  }

  private func tag(_ text: String, _ token: QueryToken) throws(QueryError) -> String {
    if text.isEmpty { throw QueryError("a tag must follow the colon", at: token) }
    if vocabulary.tagFields.isEmpty && vocabulary.tags.isEmpty { throw QueryError("this store has no tags", at: token) }
    if vocabulary.hasBareTags { return text }
    guard let field = text.nameAndValue?.name else {
      throw QueryError("tags look like \(vocabulary.tagFields[0])=VALUE", at: token)
    }
    guard vocabulary.tagFields.contains(field) else {
      throw QueryError("no such tag field; there is \(QueryVocabulary.list(vocabulary.tagFields))", at: token)
    }
    return text
  }

  private mutating func range(after word: QueryToken) throws(QueryError) -> Query.RangeCondition {
    let field = try argument(of: word, "a field and a range, such as \(vocabulary.rangeNames.first ?? "age") 20..35")
    guard let sample = vocabulary.ranges[field.text] else {
      throw QueryError("no such range field; there is \(QueryVocabulary.list(vocabulary.rangeNames))", at: field)
    }
    // Without bounds the range is everything that is in the index.
    guard position < tokens.count, !QueryLine.isWord(tokens[position].text) else {
      return Query.RangeCondition(field: field.text, range: .all)
    }
    let bounds = bounds(like: sample)
    if let note = RangeText.note(bounds.text, like: sample) { notes.append("\(field.text): \(note)") }
    return Query.RangeCondition(
      field: field.text,
      range: try RangeText.parse(bounds.text, column: bounds.column, field: field.text, like: sample))
  }

  /// Numbers and dates may have blanks around them, `100 MB .. 2 GB`: what follows is a part of them or makes no sense.
  private mutating func bounds(like sample: IndexValue?) -> QueryToken {
    var bounds = tokens[position]
    position += 1
    if case .string? = sample { return bounds }
    while position < tokens.count, RangeText.goesOn(bounds.text, tokens[position].text) {
      bounds.text += " " + tokens[position].text
      position += 1
    }
    switch sample {
    case .int, .double: numbersEnd = position
    case nil, .bool, .date, .string: break
    }
    return bounds
  }
}

extension QueryLine {
  /// Whether a token begins a condition rather than being the bounds of a range.
  static func isWord(_ text: String) -> Bool {
    words.contains { $0.hasSuffix(":") ? text.hasPrefix($0) : text == $0 }
  }

  /// The line that gives a selection, so that what a menu does can be read, changed and repeated.
  static func text(_ selection: Selection) -> String {
    switch selection {
    case .shard(let number): return "shard \(number)"
    case .key(let key): return "key \(QueryToken.quoted(key))"
    case .unique(let index, let value): return "unique \(QueryToken.quoted("\(index)=\(value)"))"
    case .query(let query, let limit):
      var parts = query.ranges.map { "range \(QueryToken.quoted($0.field)) \(RangeText.text($0.range))" }
      parts += query.allTags.map { "tag:\(QueryToken.quoted($0))" }
      parts += query.anyTags.map { "any:\(QueryToken.quoted($0))" }
      parts += query.noTags.map { "!tag:\(QueryToken.quoted($0))" }
      if let field = query.orderBy { parts.append("sort:\(QueryToken.quoted(field))") }
      if query.order == .descending { parts.append("desc") }
      if let limit { parts.append("limit \(limit)") }
      return parts.joined(separator: " ").trimmingSuffix { $0 == " " }
    }
  }
}

extension String {
  fileprivate func value(after prefix: String) -> String? {
    // By bytes: a value may begin with a mark, which makes one character of itself and the colon.
    utf8.starts(with: prefix.utf8) ? String(self[utf8.index(startIndex, offsetBy: prefix.utf8.count)...]) : nil
  }

  fileprivate func trimmingSuffix(while predicate: (Character) -> Bool) -> String {
    var text = self
    while let last = text.last, predicate(last) { text.removeLast() }
    return text
  }
}
