/// A row as the table shows it.
struct ComparedRow: Sendable {
  var name: String
  var threads = 2
  /// What peers do meanwhile, who have nothing of this name.
  var peerName: String?
  /// The least ratio of operations a second to those of the seed; nil if it does not matter.
  var must: Double?
  /// The most bytes a document may take, as a part of the seed's.
  var mustBytes: Double?
  var isOnlyOnRequest = false

  /// Of all rows, for people.
  static var names: String {
    comparedRows.map(\.name).reduce(into: [String]()) { if !$0.contains($1) { $0.append($1) } }.joined(separator: ", ")
  }

  var label: String { name == "lookup" ? "\(name), \(threads) thread\(threads == 1 ? "" : "s")" : name }
}

let comparedRows = [
  ComparedRow(name: "ram-insert", must: 2),
  ComparedRow(name: "ram-insert-indexed", must: 4, mustBytes: 0.6),
  ComparedRow(name: "disk-insert-indexed", must: 4),
  ComparedRow(name: "disk-insert-synced"),
  ComparedRow(name: "lookup", threads: 1, must: 1.2),
  ComparedRow(name: "lookup", must: 1.2),
  ComparedRow(name: "lookup-many", peerName: "lookup"),
  ComparedRow(name: "lookup-unique", must: 3),
  ComparedRow(name: "lookup-unique-many", peerName: "lookup-unique"),
  ComparedRow(name: "tag-documents", must: 5),
  ComparedRow(name: "range-documents", must: 5),
  ComparedRow(name: "scan"),
  ComparedRow(name: "update"),
  ComparedRow(name: "mixed-ycsb-a"),
  ComparedRow(name: "remove"),
  ComparedRow(name: "reload-indexed", must: 6),
  ComparedRow(name: "lookup-16"),
  ComparedRow(name: "sampler"),
  ComparedRow(name: "put-during-checkpoint"),
  ComparedRow(name: "put-during-backup"),
  ComparedRow(name: "insert-scaling", isOnlyOnRequest: true),
  ComparedRow(name: "lookup-scaling", isOnlyOnRequest: true),
]

/// A bar that no peer sets: a figure of one of darkbird's rows.
struct OwnBar: Sendable {
  var row: String
  var figure: String
  var what: String
  var isMet: @Sendable (Double) -> Bool
  var must: String
}

let ownBars = [
  OwnBar(
    row: "disk-insert-synced", figure: "ratio_to_64_syncs", what: "inserts a second / 64 x syncs a second of the disk",
    isMet: { $0 >= 0.4 }, must: "0.4 or more"),
  OwnBar(
    row: "lookup-16", figure: "ratio_to_2_threads", what: "lookups a second / those of 2 threads",
    isMet: { $0 >= 0.9 }, must: "0.9 or more"),
  OwnBar(
    row: "lookup-16", figure: "p999", what: "p99.9 of a lookup, ns", isMet: { $0 < 1e6 }, must: "below 1,000,000"),
  OwnBar(
    row: "sampler", figure: "loss_percent", what: "loss of inserts by a sampler and a subscriber, %",
    isMet: { $0 < 5 }, must: "below 5"),
  OwnBar(
    row: "put-during-checkpoint", figure: "p999_ratio", what: "p99.9 of a put during checkpoints / without",
    isMet: { $0 < 5 }, must: "below 5"),
  OwnBar(
    row: "put-during-backup", figure: "p999_ratio", what: "p99.9 of a put during backups / without",
    isMet: { $0 < 5 }, must: "below 5"),
  OwnBar(
    row: "insert-scaling", figure: "cost_ratio", what: "cost of an insert at 100 times the documents",
    isMet: { $0 < 2 }, must: "below 2"),
  OwnBar(
    row: "lookup-scaling", figure: "cost_ratio", what: "cost of a lookup at 100 times the documents",
    isMet: { $0 < 2 }, must: "below 2"),
]

/// darkbird and its peers. The raw values are the heads of the table.
enum Contender: String, CaseIterable {
  case darkbird
  case seed
  case sqlite
  case redis
  case erlang

  static var peers: [Contender] { allCases.filter { $0 != .darkbird } }

  /// The program, below the directory of darkbird's programs or of the peers.
  var program: String {
    switch self {
    case .darkbird: "bench"
    case .seed: "rust/target/release/seed"
    case .sqlite: "sqlite/build/peer"
    case .redis: "redis/build/peer"
    case .erlang: "erlang/peer"
    }
  }

  func has(_ row: ComparedRow) -> Bool {
    let alone: Set = [
      "disk-insert-synced", "lookup-16", "sampler", "put-during-checkpoint", "put-during-backup", "insert-scaling",
      "lookup-scaling",
    ]
    let name = row.peerName ?? row.name
    return switch self {
    case .darkbird: true
    case .seed: !alone.contains(name)
    case .sqlite:
      name == "disk-insert-synced"
        || !alone.union(["mixed-ycsb-a", "reload-indexed", "remove"]).contains(name)
    case .redis:
      ["ram-insert", "ram-insert-indexed", "lookup", "lookup-unique", "tag-documents", "range-documents"]
        .contains(name)
    case .erlang:
      ["ram-insert", "ram-insert-indexed", "disk-insert-indexed", "lookup", "lookup-unique", "tag-documents"]
        .contains(name)
    }
  }
}
