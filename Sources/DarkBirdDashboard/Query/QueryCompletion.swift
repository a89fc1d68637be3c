import DarkBird

/// What Tab offers in the query line.
struct QueryCompletion: Hashable, Sendable {
  /// The line up to the cursor with the longest certain continuation.
  var text: String
  /// What it could become; empty if nothing fits, one if it is certain.
  var candidates: [String]
  /// What was typed, if words were looked for and none begins with it.
  var unknown: String?

  static let candidatesMax = 50

  /// A word, and the part of it that is never quoted.
  private struct Choice {
    var prefix = ""
    var text: String

    var word: String { prefix + text }
    var whole: String { prefix + (text.isEmpty ? "" : QueryToken.quoted(text)) }
  }

  /// Completes the last word of `prefix`, the line up to the cursor.
  init(_ prefix: String, _ vocabulary: QueryVocabulary) {
    let (head, word) = QueryToken.last(of: prefix)
    let before = head.split(separator: " ").last.map(String.init)
    let all = Self.choices(word, after: before, vocabulary)
    var choices = all.filter { $0.word.hasPrefix(word) && $0.word != word }
    if choices.isEmpty, !all.contains(where: { $0.word == word }) {
      // Nobody remembers the capitals of all fields.
      let small = word.lowercased()
      choices = all.filter { $0.word.lowercased().hasPrefix(small) }
    }
    candidates = choices.prefix(Self.candidatesMax).map(\.whole)
    guard let first = choices.first else {
      text = prefix
      if !word.isEmpty, !all.isEmpty, !all.contains(where: { $0.word == word }) {
        unknown = Self.tagField(in: word, vocabulary).map { String(word.dropFirst($0.place)) } ?? word
      }
      return
    }
    if choices.count == 1 {
      // A word that is certain and complete is followed by a blank.
      let isWhole = !first.word.hasSuffix(":") && !first.word.hasSuffix("=")
      text = head + (isWhole ? first.whole + " " : first.prefix + QueryToken.begun(first.text))
      return
    }
    let common = choices.dropFirst().reduce(first.text) { common, next in
      String(zip(common, next.text).prefix { $0 == $1 }.map(\.0))
    }
    // Candidates whose capitals differ may have less in common than was typed.
    let isLonger = first.prefix.count + common.count >= word.count
    text = isLonger ? head + first.prefix + QueryToken.begun(common) : prefix
  }

  /// Whether the store has to be asked for the tags that could complete this line: the vocabulary has only the most frequent.
  static func needsAllTags(_ prefix: String, _ vocabulary: QueryVocabulary) -> Bool {
    guard let field = tagField(in: QueryToken.last(of: prefix).text, vocabulary)?.name else { return false }
    return !vocabulary.wholeTagFields.contains(field)
  }

  /// The tag field whose value a word is about, and how many characters of the word stand before that value.
  private static func tagField(in word: String, _ vocabulary: QueryVocabulary) -> (name: String, place: Int)? {
    guard let prefix = QueryLine.tagWords.first(where: { word.hasPrefix($0) }) else { return nil }
    let small = word.dropFirst(prefix.count).lowercased()
    let named = vocabulary.tagFields.first { !$0.isEmpty && small.hasPrefix($0.lowercased() + "=") }
    if let named { return (named, prefix.count + named.count + 1) }
    return vocabulary.tagFields.contains("") ? ("", prefix.count) : nil
  }

  private static func choices(_ word: String, after before: String?, _ vocabulary: QueryVocabulary) -> [Choice] {
    switch before {
    case "range": return vocabulary.rangeNames.map { Choice(text: $0) }
    case "unique": return vocabulary.uniques.map { Choice(text: $0 + "=") }
    case "key", "limit", "shard": return []
    default: break
    }
    for prefix in QueryLine.tagWords where word.hasPrefix(prefix) {
      let typed = word.dropFirst(prefix.count)
      // First the fields, then, once one is chosen, its values, most frequent first.
      let fields = vocabulary.tagFields.filter { !$0.isEmpty }.map { $0 + "=" }
      let isFieldChosen = typed.contains("=")
      let bare = vocabulary.tags.filter { $0.nameAndValue == nil }
      let tags = isFieldChosen ? vocabulary.tags.filter { $0.nameAndValue != nil } : fields + bare
      return tags.map { Choice(prefix: prefix, text: $0) }
    }
    if word.hasPrefix("sort:") { return vocabulary.rangeNames.map { Choice(prefix: "sort:", text: $0) } }
    let words = QueryLine.words.filter { word in
      switch word {
      case "unique": !vocabulary.uniques.isEmpty
      case "range", "sort:": !vocabulary.ranges.isEmpty
      case "tag:", "!tag:", "any:": !vocabulary.tagFields.isEmpty
      case "key", "shard": before == nil
      default: true
      }
    }
    return words.map { Choice(text: $0) }
  }
}
