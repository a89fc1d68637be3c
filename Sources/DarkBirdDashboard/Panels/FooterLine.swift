import Terminal

/// The last line: the most useful keys of where one is, from the key table.
enum FooterLine {
  /// - Parameter timeline: where the line of time is, if there is one: what it names is not named twice.
  static func draw(_ model: Model, in rect: Rect, timeline: Rect? = nil, with painter: inout Painter) {
    // The view that browses has a line of its own for it.
    if let notice = model.browse.notice, model.view != .browse {
      painter.write(Format.clipped(notice, rect.width - 2, painter.glyphs), in: rect, x: 1, y: 0, .accent)
      return
    }
    let bindings = model.keyMap.bindings(in: model.keyContext).filter {
      $0.hint != nil && !$0.keys.isEmpty && isOfUse($0.command, model)
        && !($0.command == .pause && TimeLine.namesKeys(model, in: timeline))
    }
    let segments = bindings.enumerated().map { index, binding in
      Segment(rank(binding, index), Span(binding.keys[0].name, .key), Span(" " + (binding.hint ?? ""), .label))
    }
    painter.write(segments.fitted(width: rect.width - 2), in: rect, x: 1, y: 0)
  }

  /// Help and quit stay to the last, and before them what there is only here, or in few places.
  private static func rank(_ binding: KeyBinding, _ index: Int) -> Int {
    switch binding.command {
    case .help, .quit, .tourNext: 0
    case .submit, .cancel, .browse, .overview, .back, .faster, .slower, .replayStart: 1
    case .palette: 100
    case _ where binding.contexts.count == 1: 2 + index
    default: index + (binding.contexts.isSuperset(of: [.overview, .browse]) ? 201 : 101)
    }
  }

  /// Whether a key that is only sometimes of use is so now.
  private static func isOfUse(_ command: Command, _ model: Model) -> Bool {
    switch command {
    case .back: model.hasLayer
    case _ where command.isOfReplay: model.replay != nil
    case .startStop, .pauseWorkload, .browse, .jobs: model.replay == nil
    case .columns: model.browse.columnPicker == nil
    case .editDocument: model.identity.allowsChanges && model.replay == nil
    default: true
    }
  }
}
