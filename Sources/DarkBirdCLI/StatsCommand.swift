import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation

struct StatsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stats",
    abstract: "What is in a store: documents, log, indexes, the most frequent tags.",
    discussion: """
      The store is opened for reading only; nothing in its directory changes. With --json it is one object:

        path, documents, lsn  where, how many, the last log record
        pages, bytes_on_disk  of the log; of log and checkpoint together
        checkpoint_bytes      of these, the checkpoint; 0 without one
        checkpoint_lsn        the last record in the checkpoint; null without one
        indexes               kind, name, entries, distinct tags, min and max
        tags                  of each tag field the most frequent, with counts
        computed              indexes that need the program that wrote the store
      """)

  /// Tags of a field that are shown.
  static let tagsMax = 10

  @Argument(help: "The store.")
  var directory: String

  @Flag(help: "One JSON object.")
  var json = false

  func run() throws {
    let store = try openForReading(directory)
    let report = try onStore(directory) {
      try StatsReport(store, path: directory, description: try StoreInspector.describe(directory))
    }
    try onStore(directory) { try store.close() }
    let output = Output()
    output.line(json ? try jsonLine(report) : report.description)
    try output.finish()
  }
}

/// The JSON keys are part of the command's interface: the help of `darkbird stats` lists them.
struct StatsReport: Encodable, CustomStringConvertible {
  struct Index: Encodable {
    var kind: String
    var name: String
    var entries: Int
    var distinct: Int?
    var min: String?
    var max: String?
  }

  struct TagCount: Encodable {
    var tag: String
    var count: Int
  }

  var path: String
  var documents: Int
  var lsn: UInt64
  var pages: Int
  var bytesOnDisk: Int
  var checkpointBytes: Int
  var checkpointLSN: UInt64?
  var indexes: [Index]
  var tags: [String: [TagCount]]
  var computed: [String]

  enum CodingKeys: String, CodingKey {
    case path, documents, lsn, pages
    case bytesOnDisk = "bytes_on_disk"
    case checkpointBytes = "checkpoint_bytes"
    case checkpointLSN = "checkpoint_lsn"
    case indexes, tags, computed
  }

  init(_ store: RecordStore, path: String, description: StoreDescription) throws {
    let statistics = store.statistics()
    self.path = path
    documents = statistics.documents
    lsn = statistics.memoryLSN
    pages = statistics.log?.pagesOnDisk ?? 0
    bytesOnDisk = statistics.log?.bytesOnDisk ?? 0
    checkpointBytes = statistics.log?.checkpointBytes ?? 0
    checkpointLSN = statistics.log?.checkpointLSN
    indexes = try statistics.indexes.map { index in
      let values = index.kind == .range ? try store.values(of: index.name) : nil
      return Index(
        kind: index.kind.rawValue, name: index.name, entries: index.entries, distinct: index.distinct,
        min: values?.min.description, max: values?.max.description)
    }
    tags = [:]
    for index in statistics.indexes where index.kind == .tag {
      tags[index.name] = try store.tags(of: index.name, limit: StatsCommand.tagsMax).map {
        TagCount(tag: $0.tag, count: $0.count)
      }
    }
    let names = description.schema.computed
    computed = names.unique + names.tags + names.ranges
  }

  func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(path, forKey: .path)
    try container.encode(documents, forKey: .documents)
    try container.encode(lsn, forKey: .lsn)
    try container.encode(pages, forKey: .pages)
    try container.encode(bytesOnDisk, forKey: .bytesOnDisk)
    try container.encode(checkpointBytes, forKey: .checkpointBytes)
    // Null instead of absent, so that a script finds every key in every report.
    try container.encode(checkpointLSN, forKey: .checkpointLSN)
    try container.encode(indexes, forKey: .indexes)
    try container.encode(tags, forKey: .tags)
    try container.encode(computed, forKey: .computed)
  }

  var description: String {
    var lines = [
      "\(oneLine(path))",
      "  documents   \(grouped(documents))",
      "  last LSN    \(grouped(lsn))",
      "  log         \(Format.counted(pages, "page")), \(Format.bytes(bytesOnDisk - checkpointBytes))",
      "  checkpoint  \(checkpointLSN.map { "\(Format.bytes(checkpointBytes)), up to LSN \(grouped($0))" } ?? "none")",
    ]
    if indexes.isEmpty { lines.append("  indexes     none") }
    for index in indexes {
      var line = "  \(index.kind)\(String(repeating: " ", count: 8 - index.kind.count))\(oneLine(index.name))"
      line += "  \(grouped(index.entries)) entries"
      if let distinct = index.distinct { line += ", \(grouped(distinct)) tags" }
      if let min = index.min, let max = index.max { line += ", \(oneLine(min)) to \(oneLine(max))" }
      lines.append(line)
      if index.kind == StoreStatistics.Index.Kind.tag.rawValue, let tags = tags[index.name], !tags.isEmpty {
        let width = tags.map { grouped($0.count).count }.max() ?? 0
        for tag in tags {
          let count = grouped(tag.count)
          lines.append("    \(String(repeating: " ", count: width - count.count))\(count)  \(oneLine(tag.tag))")
        }
      }
    }
    if !computed.isEmpty { lines.append("  computed by the program: \(oneLine(computed.joined(separator: ", ")))") }
    return lines.joined(separator: "\n")
  }
}
