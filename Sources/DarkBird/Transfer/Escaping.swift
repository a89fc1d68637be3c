extension String {
  /// The text with `prefix` before each of some characters. By scalars, as those read it for whom this is: a mark behind a quote
  /// makes one character of both, which is no quote.
  package func escaping(_ characters: Unicode.Scalar..., with prefix: String) -> String {
    var text = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      if characters.contains(scalar) { text.append(contentsOf: prefix.unicodeScalars) }
      text.append(scalar)
    }
    return String(text)
  }
}
