import Terminal

/// Where a key means something.
enum KeyContext: Hashable, Sendable, CaseIterable {
  case overview, browse, alerts, workload, jobs, tour, help
  /// The brush of a range field, in the view that browses.
  case brush
  /// The columns of the results are chosen.
  case columns
  /// A filter of events, a query, the name of a command or a note is being typed: characters without a binding go into it.
  case filter, query, palette, annotation
  /// What a job has to know before it begins.
  case jobAnswer
  /// A line below the query is being typed; a question waits for yes or no.
  case prompt, question

  var isTyping: Bool {
    switch self {
    case .overview, .browse, .alerts, .workload, .jobs, .tour, .help, .brush, .columns, .question: false
    case .filter, .query, .palette, .annotation, .jobAnswer, .prompt: true
    }
  }
}

/// One line of the key table: a named command, its keys, where they mean it, and how people are told. A command without
/// keys is still in the palette, and a configuration may give it some, but for jobs of other programs, which are added later.
struct KeyBinding: Hashable, Sendable {
  enum Group: String, Sendable, CaseIterable {
    case everywhere = "Everywhere"
    case panels = "Panels"
    case move = "Move"
    case time = "Time"
    case events = "Events"
    case alerts = "Alerts"
    case workload = "Workload"
    case jobs = "Jobs"
    case tour = "Tour"
    case browse = "Browse"
    case brush = "Brush"
    case columns = "Columns"
    case typing = "While typing"
  }

  /// What the palette and the configuration call it: lower case, words joined by `-`, unique.
  var name: String
  var keys: [Key]
  var command: Command
  var contexts: Set<KeyContext>
  var group: Group
  /// For the help and the palette.
  var help: String
  /// One or two words for the last line of the screen; nil = not shown there.
  var hint: String?
  /// Other words that people look for it by in the palette.
  var keywords: [String]

  init(
    _ name: String, _ keys: [Key], _ command: Command, in contexts: Set<KeyContext>, _ group: Group, help: String,
    hint: String? = nil, keywords: [String] = []
  ) {
    self.name = name
    self.keys = keys
    self.command = command
    self.contexts = contexts
    self.group = group
    self.help = help
    self.hint = hint
    self.keywords = keywords
  }
}

/// The one table of keys and commands: it drives dispatch, the palette, the help and the hints in the last line.
struct KeyMap: Sendable {
  static let standard = KeyMap(
    bindings: everywhere + looks + panels + movement + time + recording + events + alerts + workload
      + scenarios(Scenario.standard) + jobs + namedJobs + tour + browsing + savedQueries + brushing + choosing
      + answering + typing)

  /// Signals of the terminal: they never arrive as keys, but people look for them in the help.
  static let signals = [("Ctrl-C", "end, and close the store cleanly"), ("Ctrl-Z", "suspend; `fg` comes back")]

  let bindings: [KeyBinding]
  private let table: [KeyContext: [Key: Command]]

  init(bindings: [KeyBinding]) {
    self.bindings = bindings
    var table: [KeyContext: [Key: Command]] = [:]
    for binding in bindings {
      for context in binding.contexts {
        for key in binding.keys { table[context, default: [:]][key] = binding.command }
      }
    }
    self.table = table
  }

  func command(for key: Key, in context: KeyContext) -> Command? { table[context]?[key] }

  /// Whether it means something anywhere.
  func isUsed(_ key: Key) -> Bool { table.values.contains { $0[key] != nil } }

  /// The bindings that a context has, in the order of the table.
  func bindings(in context: KeyContext) -> [KeyBinding] { bindings.filter { $0.contexts.contains(context) } }

  /// With a command for each job that can be started, and none for others; a name that is taken stays what it is.
  func adding(_ jobs: [DashboardJob]) -> KeyMap {
    let others = bindings.filter { !$0.isJob }
    let taken = Set(others.map(\.name))
    return KeyMap(
      bindings: others
        + jobs.enumerated().filter { !taken.contains($0.element.name) }.map { place, job in
          let keys = binding(named: job.name)?.keys ?? []
          return KeyBinding(job.name, keys, .startJob(place), in: Self.views, .jobs, help: job.summary)
        })
  }

  /// The first key of a command there, or what the palette calls it.
  func key(of command: Command, in context: KeyContext) -> String {
    let bindings = bindings.filter { $0.command == command && $0.contexts.contains(context) }
    return bindings.lazy.compactMap(\.keys.first?.name).first ?? bindings.first.map { ":\($0.name)" } ?? ""
  }

  func without(_ group: KeyBinding.Group) -> KeyMap { KeyMap(bindings: bindings.filter { $0.group != group }) }

  func binding(named name: String) -> KeyBinding? { bindings.first { $0.name == name } }

  /// The table with other keys for some commands, by their names. A key that is given to one command is taken from those
  /// that had it in the same place.
  func rebinding(_ keys: [String: [Key]]) -> KeyMap {
    KeyMap(
      bindings: bindings.map { binding in
        var binding = binding
        if let own = keys[binding.name] {
          binding.keys = own
        } else {
          let taken = bindings.filter { keys[$0.name] != nil && !$0.contexts.isDisjoint(with: binding.contexts) }
            .flatMap { keys[$0.name] ?? [] }
          binding.keys.removeAll(where: taken.contains)
        }
        return binding
      })
  }
}

extension KeyBinding {
  fileprivate var isJob: Bool { if case .startJob = command { true } else { false } }
}

extension Key {
  /// As the help and the configuration name it.
  var name: String {
    switch self {
    case .character(" "): "Space"
    case .character(let character): String(character)
    case .control(let letter): "Ctrl-" + letter.uppercased()
    case .function(let number): "F\(number)"
    case .unknown: "unknown"
    default: Self.named.first { $0.key == self }?.name ?? "unknown"
    }
  }

  /// The key of that name: what `name` gives, in any case of letters, or one character.
  init?(name: String) {
    if name.count == 1, let character = name.first {
      self = .character(character)
      return
    }
    let lower = name.lowercased()
    if let named = Self.named.first(where: { $0.name.lowercased() == lower }) {
      self = named.key
    } else if lower == "space" {
      self = .character(" ")
    } else if lower.hasPrefix("ctrl-"), lower.count == 6, let letter = lower.last, ("a"..."z").contains(letter),
      !Self.sameAsOthers.contains(letter)
    {
      self = .control(letter)
    } else if lower.hasPrefix("f"), let number = Int(lower.dropFirst()), (1...12).contains(number) {
      self = .function(number)
    } else {
      return nil
    }
  }

  /// Letters whose Ctrl the terminal sends as another key, or takes for a signal.
  private static let sameAsOthers: Set<Character> = ["c", "h", "i", "j", "m", "z"]

  private static let named: [(name: String, key: Key)] = [
    ("Up", .up), ("Down", .down), ("Left", .left), ("Right", .right), ("Shift-Up", .shiftUp),
    ("Shift-Down", .shiftDown), ("Shift-Left", .shiftLeft), ("Shift-Right", .shiftRight), ("PgUp", .pageUp),
    ("PgDn", .pageDown), ("Home", .home), ("End", .end), ("Enter", .enter), ("Esc", .escape), ("Tab", .tab),
    ("Shift-Tab", .backTab), ("Backspace", .backspace), ("Del", .delete), ("Ins", .insert),
  ]
}
