/// Rules as the configuration writes them: `2ms for 12s`, `80% for 1s critical`, `off`.
extension AlertRule {
  struct TextError: Error {
    var reason: String
  }

  /// - Returns: the rule with what the text says; nil for `off`.
  func changed(by text: String) throws(TextError) -> AlertRule? {
    if text == "off" { return nil }
    var rule = self
    var words = text.split(separator: " ").map(String.init)[...]
    if words.first == ">" { words.removeFirst() }
    if let word = words.first, word != "for", word != "critical", word != "on" {
      guard hasThreshold else { throw TextError(reason: "'\(name)' has no limit: write 'off', or 'for 5s'") }
      guard let value = value(word) else { throw TextError(reason: "'\(word)' is no limit for '\(name)', \(example)") }
      (rule.threshold, rule.growsWithShards) = (value, false)
      words.removeFirst()
    } else if words.first == "on" {
      words.removeFirst()
    }
    if words.first == "for" {
      words.removeFirst()
      guard let word = words.first, let seconds = Self.seconds(word) else {
        throw TextError(reason: "'for' needs a time, such as 500ms, 12s or 2m")
      }
      rule.sustainedNanoseconds = UInt64(seconds * 1e9)
      words.removeFirst()
    }
    if words.first == "critical" {
      rule.severity = .critical
      words.removeFirst()
    }
    if let rest = words.first { throw TextError(reason: "'\(rest)' is not understood, \(example)") }
    return rule
  }

  private var example: String {
    switch measure {
    case .latency, .logLag, .sync: "such as '2ms for 12s'"
    case .queue, .behind: "such as '\(text)'"
    case .skew: "such as '10 for 10s'"
    case .eventsDropped, .operationErrors: "such as '100/s for 5s'"
    case .logFailed, .checkpointFailed, .writersStopped, .workloadFailed: "such as 'off'"
    }
  }

  private func value(_ word: String) -> Double? {
    let value: Double? =
      switch measure {
      case .latency, .logLag, .sync: Self.seconds(word).map { $0 * 1e9 }
      case .queue, .behind: word.hasSuffix("%") ? Double(word.dropLast()).map { $0 / 100 } : Double(word)
      case .skew: Double(word)
      case .eventsDropped, .operationErrors: Double(word.hasSuffix("/s") ? String(word.dropLast(2)) : word)
      case .logFailed, .checkpointFailed, .writersStopped, .workloadFailed: nil
      }
    return value.flatMap { $0.isFinite && $0 >= 0 ? $0 : nil }
  }

  /// `500us`, `2ms`, `1.5s`, `10m`, `2h` in seconds.
  static func seconds(_ word: String) -> Double? {
    let units = [("ns", 1e-9), ("us", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3_600.0)]
    guard let (unit, scale) = units.first(where: { word.hasSuffix($0.0) }),
      let number = Double(word.dropLast(unit.count)),
      number.isFinite, number >= 0, number * scale <= 1e6
    else { return nil }
    return number * scale
  }

  /// What `changed(by:)` reads back.
  var text: String {
    var words: [String] = []
    switch measure {
    case .latency, .logLag, .sync: words = [Self.text(seconds: threshold / 1e9)]
    case .queue, .behind: words = [Format.decimal(threshold * 100, places: 0) + "%"]
    case .skew: words = [growsWithShards ? "on" : Format.decimal(threshold, places: 1)]
    case .eventsDropped, .operationErrors: words = [Format.decimal(threshold, places: 0) + "/s"]
    case .logFailed, .checkpointFailed, .writersStopped, .workloadFailed: words = ["on"]
    }
    if sustainedNanoseconds > 0 { words += ["for", Self.text(seconds: Double(sustainedNanoseconds) / 1e9)] }
    if severity == .critical { words.append("critical") }
    return words.joined(separator: " ")
  }

  private static func text(seconds: Double) -> String {
    seconds < 1 ? Format.decimal(seconds * 1e3, places: 0) + "ms" : Format.decimal(seconds, places: 0) + "s"
  }
}
