import Terminal

extension KeyMap {
  /// The brush is a view of its own as far as keys are concerned.
  static let views: Set<KeyContext> = [.overview, .browse, .brush, .alerts, .workload, .jobs, .tour]
  static let all = views.union([.help, .columns])
  /// Where there is more than one panel to go to.
  static let withPanels = views.subtracting([.tour])
  static let line: Set<KeyContext> = [.filter, .query, .palette, .annotation, .jobAnswer, .prompt]

  static let everywhere = [
    KeyBinding(
      "help", [.character("?"), .function(1)], .help, in: all, .everywhere, help: "this help", hint: "help"),
    KeyBinding(
      "terms", [.character("g")], .terms, in: all, .everywhere, help: "the terms: LSN, page, rotate, lag and more",
      keywords: ["glossary", "words", "meaning"]),
    KeyBinding(
      "commands", [.character(":")], .palette, in: all, .everywhere, help: "the commands of this screen by name",
      hint: "cmd"),
    KeyBinding(
      "overview", [.character("o")], .overview, in: views.subtracting([.overview]), .everywhere,
      help: "overview of the whole store",
      hint: "overview"),
    KeyBinding(
      "browse", [.character("b")], .browse, in: views.subtracting([.browse, .brush]), .everywhere,
      help: "browse the documents", hint: "browse"),
    KeyBinding(
      "workload", [.character("w")], .workload, in: views.subtracting([.workload]), .everywhere,
      help: "change what loads the store", hint: "load"),
    KeyBinding(
      "alerts", [.character("A")], .alerts, in: views.subtracting([.alerts]), .everywhere,
      help: "what is watched, what was wrong", hint: "alerts",
      keywords: ["alarms", "rules", "limits"] + behindWords),
    KeyBinding(
      "jobs", [.character("J")], .jobs, in: views.subtracting([.jobs]), .everywhere,
      help: "backups, checkpoints and other long work", hint: "jobs"),
    KeyBinding(
      "back", [.escape, .backspace], .back, in: all.subtracting([.brush]), .everywhere, help: "back by one layer",
      hint: "back"),
    KeyBinding(
      "glyphs", [.character("G")], .glyphs, in: all, .everywhere, help: "draw with braille, blocks or ASCII"),
    KeyBinding(
      "theme", [.character("T")], .theme, in: all, .everywhere, help: "colours: default, light, dark, none"),
    KeyBinding(
      "layout", [.character("L")], .arrangement, in: [.overview], .everywhere,
      help: "panels for watching, browsing or teaching", hint: "layout"),
    KeyBinding(
      "mouse", [.character("m")], .mouse, in: all, .everywhere,
      help: "click and wheel; off: the terminal selects text"),
    KeyBinding("redraw", [.control("l")], .redraw, in: all, .everywhere, help: "draw the screen again"),
    KeyBinding("quit", [.character("q"), .function(10)], .quit, in: all, .everywhere, help: "quit", hint: "quit"),
  ]

  /// Without keys: for the palette, and for whoever gives them some.
  static let looks =
    Theme.Name.allCases.map { name in
      KeyBinding(
        "theme-\(name.rawValue)", [], .setTheme(name), in: all, .everywhere, help: "colours: \(name.explanation)")
    }
    + GlyphTier.allCases.map { tier in
      KeyBinding(
        "glyphs-\(tier.rawValue)", [], .setGlyphs(tier), in: all, .everywhere, help: "draw with \(tier.rawValue)")
    }
    + layouts(Arrangement.standard)

  static func layouts(_ arrangements: [Arrangement]) -> [KeyBinding] {
    arrangements.map { arrangement in
      KeyBinding(
        "layout-\(arrangement.name)", [], .setArrangement(arrangement), in: views, .everywhere,
        help: "the layout \(arrangement.name)")
    }
  }

  static let panels =
    [
      KeyBinding(
        "next-panel", [.tab], .nextPanel, in: withPanels, .panels, help: "next panel", hint: "panel"),
      KeyBinding(
        "previous-panel", [.backTab], .previousPanel, in: withPanels, .panels, help: "panel before"),
      KeyBinding(
        "zoom", [.character("z")], .zoom, in: withPanels, .panels, help: "the panel alone, and back",
        hint: "zoom"),
    ]
    + [
      KeyBinding(
        "browse-shard", [.enter], .open, in: [.overview], .panels, help: "browse the hottest shard, from panel 3")
    ]
    + (1...6).map { number in
      KeyBinding(
        "panel-\(number)", [.character(Character(String(number)))], .panel(number),
        in: contexts(ofPanel: number), .panels, help: "panel \(number)")
    }

  private static func contexts(ofPanel number: Int) -> Set<KeyContext> {
    switch number {
    case 1, 2: withPanels
    case 3: [.overview, .browse, .brush]
    case 4: [.overview, .browse]
    default: [.overview]
    }
  }

  static let movement = [
    KeyBinding("up", [.up, .character("k")], .up, in: all, .move, help: "up"),
    KeyBinding("down", [.down, .character("j")], .down, in: all, .move, help: "down"),
    KeyBinding(
      "left", [.left, .character("h")], .left, in: views.subtracting([.tour, .brush]), .move,
      help: "panel on the left, less of a setting"),
    KeyBinding(
      "right", [.right, .character("l")], .right, in: views.subtracting([.tour, .brush]), .move,
      help: "panel on the right, more of a setting"),
    KeyBinding("page-up", [.pageUp], .pageUp, in: all, .move, help: "a page up"),
    KeyBinding("page-down", [.pageDown], .pageDown, in: all, .move, help: "a page down"),
    KeyBinding("half-page-up", [.control("u")], .halfPageUp, in: all, .move, help: "half a page up"),
    KeyBinding("half-page-down", [.control("d")], .halfPageDown, in: all, .move, help: "half a page down"),
    KeyBinding("first", [.home], .home, in: all, .move, help: "the first line"),
    KeyBinding("last", [.end], .end, in: all, .move, help: "the last line"),
  ]

  static let time = [
    KeyBinding(
      "pause", [.character(" ")], .pause, in: views, .time, help: "pause the view; sampling goes on", hint: "pause"),
    KeyBinding(
      "step-back", [.character("[")], .step(-1), in: views, .time, help: "a second back, more in longer windows"),
    KeyBinding("step-forward", [.character("]")], .step(1), in: views, .time, help: "a second forward"),
    KeyBinding("leap-back", [.character("{")], .step(-10), in: views, .time, help: "ten steps back"),
    KeyBinding("leap-forward", [.character("}")], .step(10), in: views, .time, help: "ten steps forward"),
    KeyBinding(
      "previous-mark", [.character("<")], .previousMark, in: views, .time, help: "back to the note or alert before"),
    KeyBinding("next-mark", [.character(">")], .nextMark, in: views, .time, help: "on to the note or alert after"),
    KeyBinding("live", [.character("`")], .live, in: views, .time, help: "live again"),
    KeyBinding(
      "annotate", [.character("a")], .annotate, in: views, .time, help: "write a note at this moment"),
    KeyBinding(
      "longer-window", [.character("-")], .widerWindow, in: [.overview, .workload], .time,
      help: "graphs over a longer time"),
    KeyBinding(
      "shorter-window", [.character("+"), .character("=")], .narrowerWindow, in: [.overview, .workload], .time,
      help: "graphs over a shorter time"),
  ]

  static let recording = [
    KeyBinding(
      "record", [.character("R")], .record, in: views, .time, help: "record for darkbird replay, or end that"),
    KeyBinding(
      "faster", [.character(")")], .faster, in: views, .time, help: "replay: faster, up to 60 times", hint: "faster"),
    KeyBinding("slower", [.character("(")], .slower, in: views, .time, help: "replay: slower", hint: "slower"),
    KeyBinding(
      "replay-start", [.character("^")], .replayStart, in: views, .time, help: "replay: from the beginning",
      hint: "start"),
    KeyBinding("replay-end", [.character("$")], .replayEnd, in: views, .time, help: "replay: to the end"),
  ]

  static let alerts = [
    KeyBinding(
      "mute", [.character("x")], .mute, in: [.alerts], .alerts, help: "mute the rule, hear of it again", hint: "mute"),
    KeyBinding(
      "go-there", [.enter], .open, in: [.alerts], .alerts, help: "show the moment of a note or an alert",
      hint: "go there"),
  ]

  static let workload = [
    KeyBinding(
      "apply", [.enter], .open, in: [.workload], .workload, help: "run the workload with what was changed",
      hint: "apply"),
    KeyBinding(
      "start-stop", [.character("s")], .startStop, in: [.workload], .workload, help: "end the run, begin another",
      hint: "start/stop"),
    KeyBinding(
      "pause-workload", [.character("p")], .pauseWorkload, in: [.workload], .workload,
      help: "let the workload wait, and go on", hint: "wait"),
    KeyBinding(
      "scenario-off", [], .endScenario, in: views, .workload, help: "end the scenario; the load is as before it"),
    setting(.preset, "what the load does", keywords: ["clubs", "ycsb"]),
    setting(.distribution, "which keys the load chooses", keywords: KeyDistribution.allCases.map(\.rawValue)),
    setting(.rate, "how many operations a second it begins", keywords: ["limit", "target"] + behindWords),
    setting(.writers, "how many of its threads write", keywords: ["threads"]),
    setting(.readers, "how many of its threads read", keywords: ["threads"]),
    setting(.documents, "how many documents are loaded"),
    setting(
      .acknowledgement, "how far a write must have come to count",
      keywords: ["memory", "written", "synced", "durable"] + behindWords),
    setting(.scenario, "a load that changes by itself"),
  ]

  /// What people look for who find that the store does not do what the load asks of it.
  static let behindWords = ["behind", "skipped", "missed", "slow"]

  /// Without a key: the palette finds it.
  private static func setting(_ setting: WorkloadSetting, _ help: String, keywords: [String] = []) -> KeyBinding {
    KeyBinding(
      "load-\(setting.title)", [], .setting(setting), in: views, .workload, help: help, keywords: keywords)
  }

  static func scenarios(_ scenarios: [Scenario]) -> [KeyBinding] {
    scenarios.map { scenario in
      KeyBinding(
        "scenario-\(scenario.name)", [], .scenario(scenario.name), in: views, .workload, help: scenario.summary,
        keywords: ["load"] + (scenario.isDemanding ? behindWords : []))
    }
  }

  static let jobs = [
    KeyBinding(
      "start-job", [.enter], .open, in: [.jobs], .jobs, help: "start a job, or one that has run once more",
      hint: "start"),
    KeyBinding(
      "cancel-job", [.character("x")], .cancelJob, in: [.jobs], .jobs, help: "cancel the job, after a question",
      hint: "cancel"),
  ]

  /// Jobs that darkbird may add, for a configuration to give them keys before it is known which of them a store has.
  static let namedJobs = [
    ("backup-to", "all documents into one file that can be checked by itself"),
    ("export-to", "all documents into an .ndjson, .json or .csv file"),
    ("checkpoint", "write all documents anew, and drop the full pages of the log before"),
    ("copy-to", "make a table of a database equal to the store"),
    ("mirror-to", "keep a table of a database equal to the store"),
    ("import-from", "documents of an .ndjson, .json or .csv file into the store"),
    ("load-from", "rows of a database into the store"),
  ].map { name, help in KeyBinding(name, [], .startJob(-1), in: views, .jobs, help: help) }

  static let tour = [
    KeyBinding(
      "tour-next", [.right, .character("n"), .enter, .character("l")], .tourNext, in: [.tour], .tour,
      help: "the next chapter", hint: "next"),
    KeyBinding(
      "tour-previous", [.left, .character("p"), .character("h")], .tourPrevious, in: [.tour], .tour,
      help: "the chapter before", hint: "before"),
    KeyBinding("tour-repeat", [.character("r")], .tourRepeat, in: [.tour], .tour, help: "again", hint: "again"),
    KeyBinding(
      "tour-layout", [.character("L")], .arrangement, in: [.tour], .tour, help: "the tour has one layout only"),
    KeyBinding(
      "tour-auto", [.character("t")], .tourAuto, in: [.tour], .tour, help: "go on by itself, or no more", hint: "auto"),
    KeyBinding(
      "tour", [.character("t")], .tour, in: views.subtracting([.tour]), .tour, help: "back to the tour", hint: "tour"),
  ]

  static let events = [
    KeyBinding(
      "filter", [.character("/")], .filter, in: [.overview], .events, help: "show only events that contain a text",
      hint: "filter"),
    KeyBinding(
      "hold", [.character("f")], .hold, in: [.overview], .events, help: "hold the events, follow them again",
      hint: "hold"),
  ]

  static let typing = [
    KeyBinding(
      "submit", [.enter], .submit, in: line, .typing, help: "run the query or the command, keep the filter",
      hint: "done"),
    KeyBinding("cancel", [.escape], .cancel, in: line, .typing, help: "leave the line", hint: "leave"),
    KeyBinding(
      "complete", [.tab], .complete, in: [.query, .palette], .typing, help: "complete a name or a tag",
      hint: "complete"),
    KeyBinding(
      "older", [.up], .older, in: [.query, .palette], .typing, help: "the query before, the command above",
      hint: "history"),
    KeyBinding(
      "newer", [.down], .newer, in: [.query, .palette], .typing, help: "the query after, the command below"),
    KeyBinding("cursor-left", [.left], .cursorLeft, in: line, .typing, help: "a character left"),
    KeyBinding("cursor-right", [.right], .cursorRight, in: line, .typing, help: "a character right"),
    KeyBinding("cursor-start", [.home, .control("a")], .cursorStart, in: line, .typing, help: "to the start"),
    KeyBinding("cursor-end", [.end, .control("e")], .cursorEnd, in: line, .typing, help: "to the end"),
    KeyBinding(
      "delete-backward", [.backspace], .deleteBackward, in: line, .typing, help: "delete the character before"),
    KeyBinding("delete-forward", [.delete], .deleteForward, in: line, .typing, help: "delete the character here"),
    KeyBinding("delete-word", [.control("w")], .deleteWord, in: line, .typing, help: "delete the word before"),
    KeyBinding("delete-line", [.control("u")], .deleteLine, in: line, .typing, help: "delete the line"),
  ]
}

extension Scenario {
  /// Whether it asks for more than a store does that syncs every write.
  fileprivate var isDemanding: Bool {
    steps.flatMap(\.settings).contains { setting in
      switch setting {
      case .rate(.max): true
      case .rate(.perSecond(let count)): count >= 50_000
      default: false
      }
    }
  }
}
