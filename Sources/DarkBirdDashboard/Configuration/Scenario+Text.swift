import DarkBird

/// Scenarios as the configuration writes them: `night: rate 100 for 60s / rate max writers 8 for 20s`.
extension Scenario {
  struct TextError: Error {
    var reason: String
  }

  private static let example = "such as 'night: rate 100 for 60s / day: rate max writers 8 for 20s'"

  static func steps(_ text: String) throws(TextError) -> [Step] {
    var steps: [Step] = []
    for part in text.split(separator: "/", omittingEmptySubsequences: false) { steps.append(try step(part)) }
    return steps
  }

  private static func step(_ text: Substring) throws(TextError) -> Step {
    var name = ""
    var rest = text
    if let colon = text.firstIndex(of: ":") {
      name = text[..<colon].split(separator: " ").joined(separator: " ")
      rest = text[text.index(after: colon)...]
    }
    var words = rest.split(separator: " ").map(String.init)[...]
    var settings: [Setting] = []
    while let word = words.popFirst() {
      guard let value = words.popFirst() else { throw TextError(reason: "'\(word)' has no value, \(example)") }
      if word == "for" {
        guard let seconds = AlertRule.seconds(value), seconds >= 1 else {
          throw TextError(reason: "'for' needs a time of a second or more, such as 12s or 2m")
        }
        if let word = words.first { throw TextError(reason: "'\(word)' after the time of a step: '/' parts the steps") }
        return Step(name, settings, seconds: seconds)
      }
      settings.append(try setting(word, value))
    }
    throw TextError(reason: "a step ends with its time, \(example)")
  }

  private static func setting(_ word: String, _ value: String) throws(TextError) -> Setting {
    func choice<Value: RawRepresentable & CaseIterable>(
      _ type: Value.Type
    ) throws(TextError) -> Value where Value.RawValue == String {
      if let value = Value(rawValue: value) { return value }
      let names = Value.allCases.map(\.rawValue).joined(separator: ", ")
      throw TextError(reason: "'\(word)' is one of \(names), not '\(value)'")
    }
    func number(_ range: ClosedRange<Int>) throws(TextError) -> Int {
      if let number = Int(value), range.contains(number) { return number }
      throw TextError(reason: "'\(word)' is \(range.lowerBound) to \(range.upperBound), not '\(value)'")
    }
    switch word {
    case WorkloadSetting.preset.title: return .preset(try choice(WorkloadOptions.Preset.self))
    case WorkloadSetting.distribution.title: return .distribution(try choice(KeyDistribution.self))
    case WorkloadSetting.acknowledgement.title: return .acknowledgement(try choice(Acknowledgement.self))
    case WorkloadSetting.rate.title:
      return .rate(value == "max" ? .max : .perSecond(try number(1...WorkloadOptions.rateMax)))
    case WorkloadSetting.writers.title: return .writers(try number(0...1_024))
    case WorkloadSetting.readers.title: return .readers(try number(0...1_024))
    default:
      if let share = WorkloadMix.Share(rawValue: word) {
        return .share(share, try number(0...WorkloadMix.shareMax))
      }
      let known: [WorkloadSetting] = [.preset, .distribution, .rate, .writers, .readers, .acknowledgement]
      let names = known.map(\.title) + WorkloadMix.Share.allCases.map(\.rawValue) + ["for"]
      throw TextError(reason: "no setting is called '\(word)'\(Spelling.hint(word, among: names)), \(example)")
    }
  }
}
