import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation

struct DumpCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "dump",
    abstract: "Print the pages and frames of a store, byte for byte.",
    discussion: """
      Shows what is in the files, in their order: the manifest, the header, blocks and footer of a checkpoint, the header \
      of each page and its frames, one line each: offset, LSN, the LSN that was durable at the time, kind, key, bytes of \
      key and document, checksum and whether it is right. A damaged store is shown as far as it can be read, with a line \
      where the damage is, and the exit code is 65; the torn end that a killed program leaves counts as damage here.

      No lock is taken and nothing changes: a store that is at work can be watched. With an option that chooses frames, \
      only these, their pages and damage are shown. With --json every line is an object; 'part' says of what: manifest, \
      checkpoint, block, footer, page, frame, room, damage. Keys stand as JSON in it, as text.

        darkbird dump D | less
        darkbird dump D --kind remove --from 1000 --limit 10
        darkbird dump D --page 3 --json | jq 'select(.part == "damage")'
      """)

  @Argument(help: "The store.")
  var directory: String

  @Option(help: ArgumentHelp("Only this page.", valueName: "number"))
  var page: UInt64?

  @Option(help: "Only frames of this kind.")
  var kind: StoreDump.Kind?

  @Option(help: ArgumentHelp("Only frames of this LSN and later ones.", valueName: "lsn"))
  var from: UInt64?

  @Option(help: ArgumentHelp("Only frames of this LSN and earlier ones.", valueName: "lsn"))
  var to: UInt64?

  @Option(help: ArgumentHelp("No more than this many frames.", valueName: "frames"))
  var limit: Int?

  @Flag(help: "One JSON object a line.")
  var json = false

  func validate() throws {
    if let limit, limit < 1 { throw ValidationError("--limit \(limit): must be 1 or more.") }
    if let from, let to, from > to { throw ValidationError("--from \(from): is above --to \(to).") }
  }

  func run() throws {
    let range = from == nil && to == nil ? nil : (from ?? 0)...(to ?? .max)
    let selection = StoreDump.Selection(page: page, kind: kind, lsns: range)
    let output = Output()
    var frames = 0
    var damages = 0
    try onStore(directory) {
      try StoreInspector.dump(directory, selection) { item in
        if case .frame = item {
          if let limit, frames == limit { return false }
          frames += 1
        }
        if case .damage = item { damages += 1 }
        output.line(json ? DumpJSON.line(item) : DumpText.line(item))
        return output.isOpen
      }
    }
    try output.finish()
    if damages > 0 && output.isOpen {
      throw Failure(.dataError, directory, "damaged in \(damages) place\(damages == 1 ? "" : "s")")
    }
  }
}

/// A dump for people: a line for each part, those of a file indented under its first.
enum DumpText {
  static func line(_ item: StoreDump.Item) -> String {
    switch item {
    case .manifest(let manifest): text(manifest)
    case .checkpoint(let header):
      "\(header.file)  store \(header.identifier)  from LSN \(header.startLSN)  crc \(hex(header.checksum)) ok"
        + (header.isCurrent ? "" : "  (not the one that the manifest names)")
    case .block(let block):
      "  \(right(block.offset, 10))  block  \(block.documents) documents  \(block.bytes) B  "
        + verdict(block.checksum, block.computedChecksum)
    case .footer(let footer):
      "  \(right(footer.offset, 10))  footer  \(footer.documents) documents  up to LSN \(footer.endLSN)  "
        + verdict(footer.checksum, footer.computedChecksum)
    case .page(let page):
      "\(page.file)  page \(page.sequence)  store \(page.identifier)  from LSN \(page.firstLSN)  "
        + "chain \(hex(page.previousChain))  capacity \(capacity(page.capacity))  crc \(hex(page.checksum)) ok"
    case .frame(let frame): text(frame)
    case .room(_, let offset, let bytes): "  \(right(offset, 10))  room   \(bytes) B of zeros"
    case .damage(let damage):
      oneLine("! \(damage.file): offset \(damage.offset): \(damage.reason)")
        + (damage.bytes > 0 ? " (\(damage.bytes) B)" : "")
    }
  }

  private static func text(_ manifest: StoreDump.Manifest) -> String {
    let checkpoint = manifest.checkpointLSN.map { "checkpoint up to LSN \($0)" } ?? "no checkpoint"
    var line = "\(manifest.file)  generation \(manifest.generation)  store \(manifest.identifier)  \(checkpoint)  "
    line += "first page \(manifest.firstPage)  reached LSN \(manifest.reachedLSN)"
    for (kind, names) in indexes(manifest.schema) where !names.isEmpty {
      line += "  \(kind) \(names.map { harmless(Value.string($0).json) }.joined(separator: ","))"
    }
    return line
  }

  private static func text(_ frame: StoreDump.Frame) -> String {
    var line = "  \(right(frame.offset, 10))  LSN \(right(Int(clamping: frame.lsn), 8))"
    line += "  durable \(right(Int(clamping: frame.durableLSN), 8))  \(left(frame.kind?.rawValue ?? "?", 6))"
    if frame.kind == .batch && frame.isSound { line += "  \(frame.operations.count) operations" }
    if frame.kind != .batch, let operation = frame.operations.first { line += "  \(text(operation))" }
    if let seal = frame.seal {
      line += "  last LSN \(seal.lastLSN)  \(seal.records) records  chain "
      line +=
        seal.computedChain.map { seal.chain == $0 ? "\(hex(seal.chain)) ok" : "\(hex(seal.chain)) WRONG" }
        ?? hex(seal.chain)
    }
    line += "  \(frame.bytes) B  \(verdict(frame.checksum, frame.computedChecksum))"
    if frame.kind == .batch {
      for operation in frame.operations { line += "\n              - \(operation.kind.rawValue)  \(text(operation))" }
    }
    return line
  }

  private static func text(_ operation: StoreDump.Operation) -> String {
    let key = operation.key.map { shortened(harmless($0.json)) } ?? "(no CBOR)"
    let document = operation.kind == .put ? "+\(operation.documentBytes)" : ""
    return "\(key)  \(operation.keyBytes)\(document) B"
  }

  private static func verdict(_ checksum: UInt32, _ computed: UInt32?) -> String {
    guard let computed else { return "crc \(hex(checksum))" }
    return checksum == computed ? "crc \(hex(checksum)) ok" : "crc \(hex(checksum)) WRONG, must be \(hex(computed))"
  }

  static func capacity(_ capacity: StoreConfiguration.PageCapacity) -> String {
    switch capacity {
    case .bytes(let count): "\(count) bytes"
    case .records(let count): "\(count) records"
    }
  }

  static func indexes(_ schema: SchemaDescription) -> [(String, [String])] {
    [
      ("unique", schema.fields.unique), ("tag", schema.fields.tags), ("range", schema.fields.ranges),
      ("computed", schema.computed.unique + schema.computed.tags + schema.computed.ranges),
    ]
  }

  /// Eight digits.
  static func hex(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  private static func right(_ number: Int, _ width: Int) -> String {
    let digits = String(number)
    return String(repeating: " ", count: max(0, width - digits.count)) + digits
  }

  private static func left(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  private static func shortened(_ text: String) -> String { text.count <= 60 ? text : text.prefix(59) + "…" }
}

/// A dump for programs.
enum DumpJSON {
  static func line(_ item: StoreDump.Item) -> String {
    let record: Record
    switch item {
    case .manifest(let manifest):
      record = [
        "part": "manifest", "file": .string(manifest.file), "store": .string(manifest.identifier.uuidString),
        "generation": Value(manifest.generation), "checkpoint_lsn": manifest.checkpointLSN.map { Value($0) } ?? .null,
        "first_page": Value(manifest.firstPage), "reached_lsn": Value(manifest.reachedLSN),
        "indexes": .map(
          Record(DumpText.indexes(manifest.schema).map { ($0.0, .array($0.1.map { Value.string($0) })) })),
      ]
    case .checkpoint(let header):
      record = [
        "part": "checkpoint", "file": .string(header.file), "store": .string(header.identifier.uuidString),
        "start_lsn": Value(header.startLSN), "is_current": .bool(header.isCurrent),
        "checksum": checksum(header.checksum),
      ]
    case .block(let block):
      record = [
        "part": "block", "file": .string(block.file), "offset": int(block.offset), "bytes": int(block.bytes),
        "documents": int(block.documents), "checksum": checksum(block.checksum), "is_sound": .bool(block.isSound),
      ]
    case .footer(let footer):
      record = [
        "part": "footer", "file": .string(footer.file), "offset": int(footer.offset),
        "documents": Value(footer.documents), "end_lsn": Value(footer.endLSN), "checksum": checksum(footer.checksum),
        "is_sound": footer.computedChecksum == nil ? .null : .bool(footer.isSound),
      ]
    case .page(let page):
      record = [
        "part": "page", "file": .string(page.file), "bytes": int(page.bytes), "page": Value(page.sequence),
        "store": .string(page.identifier.uuidString), "first_lsn": Value(page.firstLSN),
        "previous_chain": checksum(page.previousChain), "capacity": .string(DumpText.capacity(page.capacity)),
        "checksum": checksum(page.checksum),
      ]
    case .frame(let frame): record = Self.record(frame)
    case .room(let file, let offset, let bytes):
      record = ["part": "room", "file": .string(file), "offset": int(offset), "bytes": int(bytes)]
    case .damage(let damage):
      record = [
        "part": "damage", "file": .string(damage.file), "offset": int(damage.offset), "bytes": int(damage.bytes),
        "reason": .string(damage.reason),
      ]
    }
    return ExportText.harmlessJSON(record.json)
  }

  private static func record(_ frame: StoreDump.Frame) -> Record {
    var record: Record = [
      "part": "frame", "file": .string(frame.file), "page": Value(frame.page), "offset": int(frame.offset),
      "bytes": int(frame.bytes), "lsn": Value(frame.lsn), "durable_lsn": Value(frame.durableLSN),
      "kind": frame.kind.map { .string($0.rawValue) } ?? .null, "checksum": checksum(frame.checksum),
      "is_sound": .bool(frame.isSound),
      "operations": .array(
        frame.operations.map { operation in
          [
            "kind": .string(operation.kind.rawValue), "key": operation.key.map { .string($0.json) } ?? .null,
            "key_bytes": int(operation.keyBytes), "document_bytes": int(operation.documentBytes),
          ]
        }),
    ]
    if let seal = frame.seal {
      record["seal"] = [
        "last_lsn": Value(seal.lastLSN), "records": Value(seal.records), "chain": checksum(seal.chain),
        "is_right": seal.computedChain.map { .bool($0 == seal.chain) } ?? .null,
      ]
    }
    return record
  }

  private static func int(_ number: Int) -> Value { .int(Int64(number)) }
  private static func checksum(_ number: UInt32) -> Value { .string(DumpText.hex(number)) }
}
