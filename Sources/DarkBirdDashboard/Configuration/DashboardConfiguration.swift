import DarkBird
import Foundation
import Terminal

/// What people like: keys, colours, characters, alerts, layouts and scenarios, from a file that the program reads and never writes.
///
///     theme = dark
///     layout = mine
///
///     [keys]
///     quit = q Ctrl-Q
///
///     [alerts]
///     p999-insert = 2ms for 12s
///     skew = off
///
///     [layouts]
///     mine = throughput latency / log events
///
///     [scenarios]
///     mine = night: rate 100 for 60s / day: rate max writers 8 for 20s
public struct DashboardConfiguration: Sendable {
  var keyMap = KeyMap.standard
  var rules = AlertRule.standard
  var theme = Theme.Name.standard
  var glyphs: GlyphTier?
  var arrangements = Arrangement.standard
  var arrangement = Arrangement.watching
  /// Index into `Model.windows`.
  var window = 0
  /// Those of everybody, then those of the file.
  public private(set) var scenarios = Scenario.standard

  /// What there is without a file.
  public init() {}

  /// `$XDG_CONFIG_HOME/darkbird/config`, or `~/.config/darkbird/config`.
  public static var defaultPath: String {
    XDG.directory("XDG_CONFIG_HOME", else: ".config") + "/config"
  }

  /// Reads a file.
  /// - Parameter path: nil takes the default one, which need not exist.
  /// - Throws: with the line that is wrong; also if `path` does not exist.
  public static func load(_ path: String? = nil) throws(ConfigurationError) -> DashboardConfiguration {
    guard let file = try ConfigurationFile.read(path ?? defaultPath) else {
      if let path { throw ConfigurationError(path: path, line: 0, reason: "no such file") }
      return DashboardConfiguration()
    }
    return try DashboardConfiguration(file)
  }

  init(_ file: ConfigurationFile) throws(ConfigurationError) {
    var keys: [(ConfigurationFile.Entry, [Key])] = []
    // Layouts come first: `layout` may name one that is defined further down.
    for entry in file.entries where entry.section == "layouts" { try addLayout(entry, file) }
    for entry in file.entries {
      switch entry.section {
      case "": try setLook(entry, file)
      case "keys": keys.append((entry, try Self.keys(entry, file)))
      case "alerts": try setAlert(entry, file)
      case "scenarios": try addScenario(entry, file)
      case "layouts": break
      default:
        let hint = Spelling.hint(entry.section, among: ["keys", "alerts", "layouts", "scenarios"])
        throw Self.error(entry, file, "no section is called '\(entry.section)'\(hint)")
      }
    }
    let own = arrangements.dropFirst(Arrangement.standard.count)
    let ownScenarios = scenarios.dropFirst(Scenario.standard.count)
    let named = KeyMap(
      bindings: keyMap.bindings + KeyMap.layouts(Array(own)) + KeyMap.scenarios(Array(ownScenarios)))
    keyMap = try Self.rebound(named, keys, file)
  }

  private static func error(
    _ entry: ConfigurationFile.Entry, _ file: ConfigurationFile, _ reason: String
  ) -> ConfigurationError {
    ConfigurationError(path: file.path, line: entry.line, reason: reason)
  }

  // MARK: Look

  private mutating func setLook(
    _ entry: ConfigurationFile.Entry, _ file: ConfigurationFile
  ) throws(ConfigurationError) {
    func choice<Value>(_ values: [(String, Value)]) throws(ConfigurationError) -> Value {
      if let value = values.first(where: { $0.0 == entry.value })?.1 { return value }
      let names = values.map { $0.0 }.joined(separator: ", ")
      throw Self.error(entry, file, "'\(entry.name)' is one of \(names), not '\(entry.value)'")
    }
    switch entry.name {
    case "theme": theme = try choice(Theme.Name.allCases.map { ($0.rawValue, $0) })
    case "glyphs": glyphs = try choice(GlyphTier.allCases.map { ($0.rawValue, $0) })
    case "layout": arrangement = try choice(arrangements.map { ($0.name, $0) })
    case "window":
      window = try choice(Model.windows.enumerated().map { (Format.span(nanoseconds: UInt64($1) * 1_000_000_000), $0) })
    default:
      let hint = Spelling.hint(entry.name, among: ["theme", "glyphs", "layout", "window"])
      throw Self.error(entry, file, "no setting is called '\(entry.name)'\(hint)")
    }
  }

  private mutating func addLayout(
    _ entry: ConfigurationFile.Entry, _ file: ConfigurationFile
  ) throws(ConfigurationError) {
    let names = PanelID.allCases.map(\.name)
    try Self.checkName(entry, "layout", file)
    if Arrangement.standard.contains(where: { $0.name == entry.name }) {
      throw Self.error(entry, file, "the layout '\(entry.name)' is there already; give yours another name")
    }
    var rows: [[PanelID]] = []
    for text in entry.value.split(separator: "/", omittingEmptySubsequences: false) {
      var row: [PanelID] = []
      for word in text.split(separator: " ") {
        guard let panel = PanelID.allCases.first(where: { $0.name == word }) else {
          throw Self.error(entry, file, "no panel is called '\(word)'\(Spelling.hint(String(word), among: names))")
        }
        if (rows.joined() + row).contains(panel) { throw Self.error(entry, file, "'\(word)' is there twice") }
        row.append(panel)
      }
      guard (1...2).contains(row.count) else {
        throw Self.error(entry, file, "a row has one or two panels; '/' parts the rows")
      }
      rows.append(row)
    }
    arrangements.append(.own(name: entry.name, rows: rows))
  }

  private static func checkName(
    _ entry: ConfigurationFile.Entry, _ kind: String, _ file: ConfigurationFile
  ) throws(ConfigurationError) {
    guard entry.name.allSatisfy({ $0.isLowercase || $0.isNumber || $0 == "-" }) else {
      throw error(entry, file, "the name of a \(kind) has lower case letters, digits and '-': '\(entry.name)'")
    }
  }

  // MARK: Scenarios

  private mutating func addScenario(
    _ entry: ConfigurationFile.Entry, _ file: ConfigurationFile
  ) throws(ConfigurationError) {
    try Self.checkName(entry, "scenario", file)
    if entry.name == "off" || Scenario.standard.contains(where: { $0.name == entry.name }) {
      throw Self.error(entry, file, "the scenario '\(entry.name)' is there already; give yours another name")
    }
    do {
      let steps = try Scenario.steps(entry.value)
      scenarios.append(Scenario(entry.name, "the scenario \(entry.name)", steps))
    } catch {
      throw Self.error(entry, file, error.reason)
    }
  }

  // MARK: Keys

  private static func keys(
    _ entry: ConfigurationFile.Entry, _ file: ConfigurationFile
  ) throws(ConfigurationError) -> [Key] {
    if entry.value == "none" { return [] }
    var keys: [Key] = []
    for word in entry.value.split(separator: " ") {
      guard let key = Key(name: String(word)) else {
        throw error(entry, file, "no key is called '\(word)'; keys are such as q, Ctrl-Q, F5, Enter, Space, PgUp")
      }
      keys.append(key)
    }
    return keys
  }

  private static func rebound(
    _ map: KeyMap, _ keys: [(ConfigurationFile.Entry, [Key])], _ file: ConfigurationFile
  ) throws(ConfigurationError) -> KeyMap {
    var done: [KeyBinding] = []
    for (entry, keys) in keys {
      guard var binding = map.binding(named: entry.name) else {
        let hint = Spelling.hint(entry.name, among: map.bindings.map(\.name))
        throw error(entry, file, "no command is called '\(entry.name)'\(hint)")
      }
      binding.keys = keys
      if binding.contexts.contains(where: \.isTyping), let key = keys.first(where: \.isText) {
        throw error(entry, file, "'\(key.name)' must stay a character to type; give '\(entry.name)' another key")
      }
      for other in done where !other.contexts.isDisjoint(with: binding.contexts) {
        if let key = keys.first(where: other.keys.contains) {
          throw error(entry, file, "'\(key.name)' is already the key of '\(other.name)'")
        }
      }
      done.append(binding)
    }
    return map.rebinding(Dictionary(uniqueKeysWithValues: keys.map { ($0.0.name, $0.1) }))
  }

  // MARK: Alerts

  private mutating func setAlert(
    _ entry: ConfigurationFile.Entry, _ file: ConfigurationFile
  ) throws(ConfigurationError) {
    guard let place = rules.firstIndex(where: { $0.name == entry.name }) else {
      let hint = Spelling.hint(entry.name, among: AlertRule.standard.map(\.name))
      throw Self.error(entry, file, "no alert is called '\(entry.name)'\(hint)")
    }
    do {
      if let rule = try rules[place].changed(by: entry.value) { rules[place] = rule } else { rules.remove(at: place) }
    } catch {
      throw Self.error(entry, file, error.reason)
    }
  }
}

extension Key {
  /// Whether it is a character that can be typed into a line.
  fileprivate var isText: Bool { if case .character = self { true } else { false } }
}
