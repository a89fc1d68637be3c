import Terminal

/// The last line: the most useful keys of where one is, from the key table.
enum FooterLine {
  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let bindings = model.keyMap.bindings(in: model.keyContext).filter {
      $0.hint != nil && !$0.keys.isEmpty && ($0.command != .back || model.hasLayer)
    }
    let segments = bindings.enumerated().map { index, binding in
      Segment(rank(binding, index), Span(binding.keys[0].name, .key), Span(" " + (binding.hint ?? ""), .label))
    }
    painter.write(segments.fitted(width: rect.width - 2), in: rect, x: 1, y: 0)
  }

  /// Help and quit stay to the last, and before them what there is only here.
  private static func rank(_ binding: KeyBinding, _ index: Int) -> Int {
    switch binding.command {
    case .help, .quit: 0
    case .submit, .cancel, .browse, .overview, .back: 1
    default: index + (binding.contexts.count == 1 ? 2 : 102)
    }
  }
}
