import Terminal

/// What one sees in the focused panel, and which file of the source does it.
enum LessonPanel {
  static let title = "What you see"

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let lesson = model.focus.lesson
    var y = 0
    painter.write(model.focus.title, in: rect, y: y, .strong)
    y += rect.height > 8 ? 2 : 1
    for paragraph in lesson.text {
      for line in Format.wrapped(paragraph, rect.width) {
        painter.write(line, in: rect, y: y)
        y += 1
      }
      y += rect.height > 12 ? 1 : 0
    }
    let x = painter.write("source ", in: rect, y: y, .label)
    // Low and wide: one beside the other.
    if rect.height <= 12 {
      let names = lesson.files.joined(separator: "  ")
      painter.write(Format.clipped(names, rect.width - x, painter.glyphs), in: rect, x: x, y: y, .accent)
      return
    }
    for file in lesson.files {
      y += 1
      painter.write(Format.clipped(file, rect.width, painter.glyphs), in: rect, y: y, .accent)
    }
  }
}

extension PanelID {
  var lesson: (text: [String], files: [String]) {
    switch self {
    case .throughput:
      (
        [
          "Operations a second: below, those that change documents; above, those that only read them.",
          "Memory answers all of them. The disk takes notes of the changes, many at once, behind the writers' backs.",
          "The way of a write is in one place: encode, lock the shard, claim the index entries, append to the log, unlock.",
        ], ["Sources/DarkBird/Store.swift"]
      )
    case .latency:
      (
        [
          "How long operations take. Half of them are faster than p50; one in a thousand is slower than p99.9.",
          "In the map below each column is a moment, and higher is slower: a band is the usual, dots above it are waits.",
          "Slow writes? In panel 4, writers that wait for synced wait for the disk; so does a full queue. In panel 3: locks.",
        ], ["Sources/DarkBirdDashboard/Telemetry/LatencyRecorder.swift", "Sources/DarkBird/Log/AckGate.swift"]
      )
    case .shards:
      (
        [
          "A document lives in the shard that the hash of its key says. Each shard has a lock of its own, so that threads "
            + "seldom meet.",
          "d: documents, spread evenly. o: operations, as popular as the keys are. w: how long threads waited for a lock.",
          "Press w and set keys to uniform: the hot shard cools down.",
        ], ["Sources/DarkBird/Shard/Shard.swift", "Sources/DarkBird/Shard/Lock.swift"]
      )
    case .log:
      (
        [
          "Every change is appended to a page, in the order in which memory had it. A full page is left as it is, and the "
            + "next one begins.",
          "Queue: changes that are not written yet. Lag: how old the oldest change is that a power loss would take.",
          "Many changes are made durable by one sync of the disk: group commit. After a crash the pages are read again.",
        ], ["Sources/DarkBird/Log/Log.swift", "Sources/DarkBird/Log/LogFormat.swift"]
      )
    case .indexes:
      (
        [
          "uniq: a value has one owner; who comes second is refused, and nothing changes. tag: all documents with a "
            + "value. rng: documents in the order of a value.",
          "A document and its entries change together, under the locks of the write: a query never sees one without "
            + "the other.",
        ], ["Sources/DarkBird/Index/IndexSet.swift", "Sources/DarkBird/Index/OrderedMap.swift"]
      )
    case .events:
      (
        [
          "What happened, newest first: INS new, PUT replaced, DEL removed, DUP refused, ROT the next page, CKP a checkpoint.",
          "All are counted and some are shown. A subscriber that is too slow loses events and is told how many: no "
            + "writer ever waits for it.",
        ], ["Sources/DarkBird/Events/EventHub.swift", "Sources/DarkBird/Events/EventSubscription.swift"]
      )
    }
  }
}
