/// What Tab offers in the query line.
struct QueryCompletion: Hashable, Sendable {
  /// The line up to the cursor with the longest certain continuation.
  var text: String
  /// What it could become; empty if nothing fits, one if it is certain.
  var candidates: [String]

  static let candidatesMax = 50

  /// Completes the last word of `prefix`, the line up to the cursor.
  init(_ prefix: String, _ vocabulary: QueryVocabulary) {
    let words = prefix.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    let word = words.last ?? ""
    let before = words.dropLast().last { !$0.isEmpty }
    let head = String(prefix.dropLast(word.count))
    let choices = Self.choices(word, after: before, vocabulary)
    candidates = Array(choices.filter { $0.hasPrefix(word) && $0 != word }.prefix(Self.candidatesMax))
    guard let first = candidates.first else {
      text = prefix
      return
    }
    let common = candidates.dropFirst().reduce(first) { common, next in
      String(zip(common, next).prefix { $0 == $1 }.map(\.0))
    }
    // A word that is certain and complete is followed by a blank.
    let isWhole = candidates.count == 1 && !common.hasSuffix(":") && !common.hasSuffix("=")
    text = head + common + (isWhole ? " " : "")
  }

  private static func choices(_ word: String, after before: String?, _ vocabulary: QueryVocabulary) -> [String] {
    switch before {
    case "range": return vocabulary.rangeNames.map(QueryToken.quoted)
    case "unique": return vocabulary.uniques.map { $0 + "=" }
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
      return tags.map { prefix + QueryToken.quoted($0) }
    }
    if word.hasPrefix("sort:") { return vocabulary.rangeNames.map { "sort:" + QueryToken.quoted($0) } }
    return QueryLine.words.filter { word in
      switch word {
      case "unique": !vocabulary.uniques.isEmpty
      case "range", "sort:": !vocabulary.ranges.isEmpty
      case "tag:", "!tag:", "any:": !vocabulary.tagFields.isEmpty
      case "key", "shard": before == nil
      default: true
      }
    }
  }
}
