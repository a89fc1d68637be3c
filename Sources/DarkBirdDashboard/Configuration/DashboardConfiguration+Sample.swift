import Terminal

extension DashboardConfiguration {
  /// A file that says what there is without one, with every name that a file may have, to be changed by hand.
  public static var sample: String {
    var lines = [
      "# Configuration of the dashboard of darkbird: \(defaultPath)", "# The program reads it and never writes it.", "",
      "# " + Theme.Name.allCases.map(\.rawValue).joined(separator: ", "), "theme = \(Theme.Name.standard.rawValue)", "",
      "# " + Arrangement.standard.map(\.name).joined(separator: ", ") + ", or one of [layouts]",
      "layout = \(Arrangement.watching.name)", "",
      "# " + GlyphTier.allCases.map(\.rawValue).joined(separator: ", ")
        + "; without it, the best that the terminal can",
      "# glyphs = blocks", "",
      "# " + Model.windows.map { Format.span(nanoseconds: UInt64($0) * 1_000_000_000) }.joined(separator: ", "),
      "window = \(Format.span(nanoseconds: UInt64(Model.windows[0]) * 1_000_000_000))", "", "[layouts]",
      "# Rows of one or two of the panels " + PanelID.allCases.map(\.name).joined(separator: ", ") + ":",
      "# mine = throughput latency / log events", "", "[scenarios]",
      "# Steps of settings and a time: preset, keys, rate, writers, readers, acknowledge, or a share of the mix:",
      "# mine = night: rate 100 for 60s / day: rate max writers 8 for 20s", "", "[alerts]",
      "# The limit, and for how long it must be passed; 'critical' for the loud ones, 'off' for none.",
      "# skew is on with 10 up to \(AlertRule.skewShards) shards and more beyond; a number holds for any.",
    ]
    lines += AlertRule.standard.map { "\($0.name) = \($0.text)" }
    lines += [
      "", "[keys]", "# Keys with blanks between them, 'none' for none. Commands without keys are in the palette.",
    ]
    for group in KeyBinding.Group.allCases {
      lines += ["", "# \(group.rawValue)"]
      for binding in KeyMap.standard.bindings where binding.group == group {
        let keys = binding.keys.map(\.name).joined(separator: " ")
        lines += ["# \(binding.help)", "\(binding.name) = \(keys.isEmpty ? "none" : keys)"]
      }
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
