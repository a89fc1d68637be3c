import DarkBird
import Terminal

/// What one sees in the focused panel, and which file of the source does it.
enum LessonPanel {
  /// With the key that explains the terms.
  static func title(_ model: Model) -> String {
    let key = model.keyMap.binding(named: "terms")?.keys.first?.name ?? ":terms"
    return "What you see   (\(key): the terms)"
  }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let lesson = Lesson(of: model.focus, model)
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

/// What there is to say about a panel. It speaks of the store as it is: what its writers wait for, and whether it has a log at
/// all. Of other panels it says how to come to them, for they may not be on the screen.
struct Lesson {
  let text: [String]
  let files: [String]

  init(of panel: PanelID, _ model: Model) {
    let words = LessonWords(model)
    switch panel {
    case .throughput:
      text = [
        "Operations a second: below, those that change documents; above, those that only read them.",
        words.throughput,
        "The way of a write is in one place: encode, lock the shard, claim the index entries, append to the log, unlock.",
      ]
      files = ["Sources/DarkBird/Store.swift"]
    case .latency:
      text = [
        "How long operations take. Half of them are faster than p50; one in a thousand is slower than p99.9.",
        "Where there is room, a map: a column is a moment, higher is slower. A band is the usual, dots above it are waits.",
        words.latency,
      ]
      files = ["Sources/DarkBirdDashboard/Telemetry/LatencyRecorder.swift", "Sources/DarkBird/Log/AckGate.swift"]
    case .shards:
      text = [
        "A document lives in the shard that the hash of its key says. Each shard has a lock of its own, so that threads "
          + "seldom meet.",
        "docs: documents, spread evenly. ops: operations, as popular as the keys are. wait: for a lock. A letter where it "
          + "is narrow.",
        "Press \(words.key("workload")) and set keys to uniform: the hot shard cools down.",
      ]
      files = ["Sources/DarkBird/Shard/Shard.swift", "Sources/DarkBird/Shard/Lock.swift"]
    case .log:
      text = words.log
      files = ["Sources/DarkBird/Log/Log.swift", "Sources/DarkBird/Log/LogFormat.swift"]
    case .indexes:
      text = [
        "uniq: a value has one owner; who comes second is refused, and nothing changes. tag: all documents with a "
          + "value. rng: documents in the order of a value.",
        "A document and its entries change together, under the locks of the write: a query never sees one without "
          + "the other.",
      ]
      files = ["Sources/DarkBird/Index/IndexSet.swift", "Sources/DarkBird/Index/OrderedMap.swift"]
    case .events:
      text = [
        "What happened, newest first: INS new, PUT replaced, DEL removed, DUP refused, ROT the next page, CKP a checkpoint.",
        "All are counted and some are shown. A subscriber that is too slow loses events and is told how many: no "
          + "writer ever waits for it.",
      ]
      files = ["Sources/DarkBird/Events/EventHub.swift", "Sources/DarkBird/Events/EventSubscription.swift"]
    }
  }
}

/// The words that are not the same for every store.
private struct LessonWords {
  private let model: Model
  private let acknowledgement: Acknowledgement?

  init(_ model: Model) {
    self.model = model
    acknowledgement = model.acknowledgement(at: model.shown)
  }

  /// As the configuration has it.
  func key(_ command: String) -> String { model.keyMap.binding(named: command)?.keys.first?.name ?? ":\(command)" }

  private var toLog: String { "(press \(key("panel-4")))" }
  private var toShards: String { "(press \(key("panel-3")))" }

  var throughput: String {
    if model.identity.isInMemory {
      return "Memory answers all of them. There is no disk: what is in the store ends with its program."
    }
    if model.identity.isReadOnly {
      return "Memory answers all of them. The store is open for reading: nobody changes it."
    }
    return switch acknowledgement {
    case .memory:
      "Memory answers all of them. The disk takes notes of the changes, many at once: no writer waits for it."
    case .written:
      "Memory answers the reads. A writer goes on once the operating system has its change, which outlives this program."
    case .synced:
      "Memory answers the reads. A writer goes on once the disk has its change for good; many wait for the same sync."
    case nil: "Memory answers all of them. Changes go to the log too, many at once; a writer may wait for that, or not."
    }
  }

  var latency: String {
    if model.identity.isInMemory || model.identity.isReadOnly {
      return "Slow? There is no disk here to wait for: the shards show waits for locks \(toShards)."
    }
    return switch acknowledgement {
    case .memory:
      "Slow writes? None waits for the disk, unless the log's queue is full or its next page not made \(toLog). "
        + "Locks: the shards \(toShards)."
    case .written:
      "Slow writes? They wait for the operating system, longer if the queue of the log is full \(toLog). "
        + "Locks: the shards \(toShards)."
    case .synced:
      "Slow writes? They wait for the disk, a sync or two: the log has its sync p99 \(toLog). Locks: the shards \(toShards)."
    case nil:
      "Slow writes? Those that wait for synced wait for the disk \(toLog); so does a full queue. Locks: the shards \(toShards)."
    }
  }

  var log: [String] {
    if model.identity.isInMemory || model.identity.isReadOnly {
      return [
        "A store on disk appends every change to a log, page after page, and reads it again when it is opened.",
        model.identity.isInMemory
          ? "This one is in memory only: what is in it ends with its program."
          : "This one is open for reading: its log was read, and nothing is added to it.",
      ]
    }
    let waiting =
      switch acknowledgement {
      case .memory:
        "Writers wait for none of this while there is room: a crash may take the last moment. "
          + "One sync makes many changes durable."
      case .written:
        "Writers wait until the operating system has it: that outlives this program, not a power loss. Syncs follow."
      case .synced:
        "Writers wait for the sync, many for the same one: group commit. What is acknowledged outlives a power loss."
      case nil:
        "Many changes are made durable by one sync of the disk: group commit. After a crash the pages are read again."
      }
    let byHand = model.keyMap.binding(named: "checkpoint") == nil ? "" : ", or by :checkpoint"
    return [
      "Every change is appended to a page. A checkpoint writes all documents anew and drops the full pages: after 256 MiB of "
        + "log by default\(byHand).",
      "Queue: not yet written. Lag: age of the oldest change a power loss takes.",
      waiting,
    ]
  }
}
