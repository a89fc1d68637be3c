import Terminal

/// What the words mean that the panels, the tour and the command line use, in the order of the alphabet.
enum TermsOverlay {
  static let terms = [
    ("ack", "how far a write must come to be done: memory, written, synced"),
    ("checkpoint", "all documents in one file; the full pages before it go"),
    ("checksum", "a number made of bytes; it tells that one of them has changed"),
    ("durable", "the disk has it: it outlives a loss of power"),
    ("frame", "a record as it is in a page, with its length and its checksum"),
    ("group commit", "many writes wait for the same sync"),
    ("lag", "age of the oldest change that is not yet written, or durable"),
    ("LSN", "log sequence number: the place of a change in the log"),
    ("manifest", "the file that says which checkpoint and which pages count"),
    ("p99", "99 of 100 operations took no longer than that"),
    ("page", "one file of the log; it is full after so many records or bytes"),
    ("queue", "changes on their way from memory to the log"),
    ("record", "what the log has of a change: what was put, or removed"),
    ("rotate", "to begin the next page because this one is full"),
    ("shard", "a part of the documents, with a table and a lock of its own"),
    ("skew", "operations of the busiest shard over the mean; 1 is even"),
    ("sync", "makes the disk keep what was written; takes longer than that"),
    ("torn tail", "half a record at the end of the log, after a loss of power"),
    ("write-ahead", "the log has it before a write is done, if that is to be safe"),
    ("written", "the operating system has it: it outlives this program"),
  ]

  private static let nameWidth = 14

  static func lineCount(width: Int) -> Int { lines(width - 4).count }

  static func draw(_ model: Model, in rect: Rect, with painter: inout Painter) {
    let inner = Rect(x: rect.x + 2, y: rect.y + 1, width: rect.width - 4, height: rect.height - 2)
    let lines = lines(inner.width)
    let scroll = min(model.helpScroll ?? 0, max(0, lines.count - inner.height))
    for (y, line) in lines.dropFirst(scroll).prefix(inner.height).enumerated() {
      painter.write(line.name, in: inner, y: y, .strong)
      painter.write(line.text, in: inner, x: nameWidth, y: y)
    }
    let hidden = lines.count - scroll - inner.height
    painter.frame(rect, title: hidden > 0 ? "Terms   \(hidden) more below" : "Terms", focused: true)
  }

  private static func lines(_ width: Int) -> [(name: String, text: String)] {
    terms.flatMap { name, meaning in
      Format.wrapped(meaning, width - nameWidth).enumerated().map { ($0 == 0 ? name : "", $1) }
    }
  }
}
