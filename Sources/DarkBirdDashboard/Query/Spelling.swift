/// Finds what somebody may have meant.
package enum Spelling {
  /// ` (did you mean 'zoom'?)`, or nothing.
  static func hint(_ word: String, among words: [String]) -> String {
    nearest(to: word, in: words).map { " (did you mean '\($0)'?)" } ?? ""
  }

  /// The word that is likely meant, whatever its capitals: nearest, and of several such the one that is most alike in length,
  /// then the first. nil if none is near.
  package static func nearest(to word: String, in known: [String]) -> String? {
    let wanted = Array(word.lowercased().unicodeScalars)
    // A word of two letters is near to too many others.
    var most = wanted.count < 3 ? 0 : min(3, wanted.count / 3)
    var nearest: String?
    var nearestRank: (distance: Int, lengths: Int)?
    for candidate in known {
      let letters = Array(candidate.lowercased().unicodeScalars)
      guard let distance = distance(wanted, letters, most: most) else { continue }
      let rank = (distance, abs(wanted.count - letters.count))
      if let nearestRank, nearestRank <= rank { continue }
      nearest = candidate
      nearestRank = rank
      if distance == 0 { break }
      most = distance
    }
    return nearest
  }

  /// Letters that were forgotten, added, mistaken or swapped with the next one; nil if they are more than `most`.
  private static func distance(_ a: [Unicode.Scalar], _ b: [Unicode.Scalar], most: Int) -> Int? {
    guard abs(a.count - b.count) <= most else { return nil }
    var beforeLast: [Int] = []
    var last = Array(0...b.count)
    for i in 0..<a.count {
      var row = [i + 1]
      for j in 0..<b.count {
        var cost = min(last[j + 1] + 1, row[j] + 1, last[j] + (a[i] == b[j] ? 0 : 1))
        if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforeLast[j - 1] + 1) }
        row.append(cost)
      }
      // From here on it only grows, but for a swap.
      if i > 0, min(row.min() ?? 0, last.min() ?? 0) > most { return nil }
      (beforeLast, last) = (last, row)
    }
    return last[b.count] <= most ? last[b.count] : nil
  }
}
