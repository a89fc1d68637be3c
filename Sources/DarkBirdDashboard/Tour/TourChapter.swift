import DarkBird

/// The chapters of the tour, in their order. Each does what it tells of, on a real store of its own.
package enum TourChapter: Int, Sendable, CaseIterable {
  case memory, shard, indexes, duplicate, range, pages, acknowledgement, kill, torn, checkpoint, events

  package static let first = memory

  package var number: Int { rawValue + 1 }
  package var next: TourChapter? { TourChapter(rawValue: rawValue + 1) }
  package var previous: TourChapter? { TourChapter(rawValue: rawValue - 1) }

  /// As the directory of its store and the command line call it.
  package var name: String { "\(self)" }

  package var title: String {
    switch self {
    case .memory: "Memory and a log"
    case .shard: "A document enters its shard"
    case .indexes: "Indexes"
    case .duplicate: "A duplicate is refused"
    case .range: "A range query"
    case .pages: "Pages fill and rotate"
    case .acknowledgement: "How sure is a write?"
    case .kill: "kill -9, and what is left"
    case .torn: "A torn tail"
    case .checkpoint: "A checkpoint"
    case .events: "Events and a slow subscriber"
    }
  }

  /// What of the overview shows it best, the most telling panel first.
  var panels: [PanelID] {
    switch self {
    case .memory, .torn: [.log, .events]
    case .shard: [.shards, .events]
    case .indexes, .duplicate: [.indexes, .events]
    case .range: [.latency, .indexes]
    case .pages, .checkpoint: [.log, .throughput]
    case .acknowledgement: [.latency, .log]
    case .kill: [.log, .shards]
    case .events: [.events, .throughput]
    }
  }

  /// Below `TourChapter.source`: the files that do it.
  package var files: [String] {
    switch self {
    case .memory: ["Store+Write.swift", "Recovery/Recovery.swift"]
    case .shard: ["Store+Write.swift", "Shard/ShardMap.swift", "Shard/Shard.swift"]
    case .indexes: ["Index/IndexSet.swift", "Index/OwnerTable.swift", "Index/TagPostings.swift"]
    case .duplicate: ["Index/OwnerTable.swift", "StoreError.swift"]
    case .range: ["Index/OrderedMap.swift", "Index/QueryExecution.swift"]
    case .pages: ["Log/LogWriter.swift", "Log/LogFormat.swift"]
    case .acknowledgement: ["Log/AckGate.swift", "Log/LogWriter.swift"]
    case .kill: ["Recovery/Recovery.swift", "Log/LogPageScan.swift"]
    case .torn: ["Log/LogPageScan.swift", "Recovery/Recovery.swift"]
    case .checkpoint: ["Checkpoint/Checkpoint.swift", "Checkpoint/Disk.swift"]
    case .events: ["Events/EventHub.swift", "Events/EventSubscription.swift", "Events/ResumedEvents.swift"]
    }
  }

  package static let source = "Sources/DarkBird"

  /// For somebody who has never seen a write-ahead log.
  package var paragraphs: [String] {
    switch self {
    case .memory:
      [
        "Documents are in memory, each under a key: gone when a program ends.",
        "So every change also goes to a file, the write-ahead log: ahead of the answer to a write that is to be safe "
          + "(chapter 7).",
        "Opening a store means reading it again. We put three documents in, close, and open again.",
      ]
    case .shard:
      [
        "The hash of its key sends a document to one of \(TourStage.shardCount) shards (\(StoreConfiguration.memory.shardCount) if "
          + "nobody says otherwise; so many fit here). Each has a table and a lock of its own, so that threads seldom wait.",
        "Every change gets a log sequence number, LSN: its place in the log. First comes Ada, then 2,000 more people.",
      ]
    case .indexes:
      [
        "An index finds documents by what is in them. A unique index leads from a value to the one document that has it, a "
          + "tag to all that have it, and a range index keeps values in order.",
        "A document and its entries change together, under the locks of one write. No query sees one without the other.",
      ]
    case .duplicate:
      [
        "An email may belong to one document only. A second one with it is refused.",
        "Refused: nothing happened. No document, no index entry, no record in the log, no event. The DUP lines are the "
          + "dashboard's own.",
        "Then eight threads race for one new email.",
      ]
    case .range:
      [
        "Who is 30 or 31? The index on age has all ages in order. The query goes to the first 30, and reads on until the "
          + "last 31.",
        "Without the index the store would have to look at everybody. We do that too, and compare.",
      ]
    case .pages:
      [
        "The log is cut into pages: files with room for so many records, here 500.",
        "A full page is sealed and never changed again: the log rotates to the next one. That is there before it is "
          + "needed, with room reserved, so that nobody waits for it.",
        "Whole pages can be thrown away later. A single file could only grow.",
      ]
    case .acknowledgement:
      [
        "When does a write count as done? memory: once it is queued; the log follows. written, synced: the log is ahead. "
          + "The operating system has the record, which outlives this program; or the disk: a power loss too.",
        "One sync makes all writes durable that wait for it: group commit. Times of one write are medians.",
      ]
    case .kill:
      [
        "Another program writes to a store, and tells us of each write that its log has.",
        "We kill it with SIGKILL: it can clean up nothing.",
        "Then we open its store. Every write that we were told of must be there.",
      ]
    case .torn:
      [
        "A power loss may leave a part of the last record. We copy a store at work, and cut off its end.",
        "The checksum does not match, and nobody was promised that record: it was not synced. Opening sets it aside.",
        "A changed byte before promised records is another thing: opening refuses.",
      ]
    case .checkpoint:
      [
        "A log that only grows fills the disk, and takes longer and longer to read.",
        "A checkpoint writes every document once. The full pages before it go; the one that is written to stays. Writers "
          + "go on meanwhile.",
        "Here: 2,000 documents, ten times each.",
      ]
    case .events:
      [
        "A subscriber gets every change, in the order of the log. Events wait for it in a ring of a fixed size.",
        "This one has room for 100 and sleeps while 1,000 documents come. No writer waits for it. It loses the oldest "
          + "events, and is told how many.",
        "What it lost it can read from the log.",
      ]
    }
  }
}
