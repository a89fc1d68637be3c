/// What Tab offers in the query line.
struct QueryCompletion: Hashable, Sendable {
  /// The line up to the cursor with the longest certain continuation.
  var text: String
  /// What it could become; empty if nothing fits, one if it is certain.
  var candidates: [String]

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
    let choices = all.filter { $0.word.hasPrefix(word) && $0.word != word }.prefix(Self.candidatesMax)
    candidates = choices.map(\.whole)
    guard let first = choices.first else {
      text = prefix
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
    text = head + first.prefix + QueryToken.begun(common)
  }

  private static func choices(_ word: String, after before: String?, _ vocabulary: QueryVocabulary) -> [Choice] {
    switch before {
    case "range": return vocabulary.rangeNames.map { Choice(text: $0) }
    case "unique": return vocabulary.uniques.map { Choice(text: $0 + "=") }
    case "key", "limit", "shard": return []
    default: break
    }
    for prefix in ["!tag:", "tag:", "any:"] where word.hasPrefix(prefix) {
      let typed = word.dropFirst(prefix.count)
      // First the fields, then, once one is chosen, its most frequent values.
      let fields = vocabulary.tagFields.filter { !$0.isEmpty }.map { $0 + "=" }
      let isFieldChosen = typed.contains("=")
      let bare = vocabulary.tags.filter { !$0.contains("=") }
      let tags = isFieldChosen ? vocabulary.tags.filter { $0.contains("=") } : fields + bare
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
