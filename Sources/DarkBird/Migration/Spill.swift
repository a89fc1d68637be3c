/// Something that belongs to a key, on its way from one pass of a migration to the next.
struct SpillItem {
  /// Equal keys are equal bytes here, and meet in one partition.
  var key: [UInt8]
  /// What the pass wants to know of it.
  var flag: UInt32 = 0
  var lsn: UInt64 = 0
  /// Decides between items of one key.
  var order: UInt64 = 0
  /// Encoded key and document.
  var payload: [UInt8] = []
  /// How much of the payload is the key.
  var keyLength = 0
  var note: [UInt8] = []

  fileprivate static let headerBytes = 48
  /// Memory of an item besides its bytes: three arrays, and its place in a table.
  fileprivate static let overheadBytes = 256

  fileprivate var bytes: Int { Self.headerBytes + key.count + payload.count + note.count }
}

/// Where the temporary files of a migration go. Each loses its name as soon as it is open, so that none is left behind,
/// however the process ends.
final class SpillSpace {
  private let prefix: String
  private let fileSystem: any FileSystem
  private var count = 0

  /// - Parameter prefix: a path to which numbers are appended; nobody else uses it.
  init(prefix: String, _ fileSystem: any FileSystem) {
    self.prefix = prefix
    self.fileSystem = fileSystem
  }

  fileprivate func makeFile() throws(StoreError) -> any File {
    count += 1
    let path = "\(prefix)\(count)"
    return try diskErrors(path) { () throws(SystemError) in
      let file = try fileSystem.open(path, .createIfMissing)
      // One that was killed between these two calls leaves a file.
      try file.truncate(to: 0)
      try fileSystem.remove(path)
      return file
    }
  }
}

/// Items of any number, with those of one key brought together, in bounded memory: they are dealt out to temporary files by the
/// hash of their key, and then one file at a time is in memory. A file that is too large for that is dealt out again.
///
/// What fits into the buffers never reaches the disk.
final class Spill {
  /// Each has a file, of which a process may have few: 256 on macOS, for three of these.
  static let fanout = 32
  private static let fanoutBits = 5
  private static let bufferBytes = 32 << 10
  /// What the items of a file may take in memory.
  private let memoryMax: Int
  private let space: SpillSpace
  private let depth: Int
  private var partitions: [Partition] = (0..<fanout).map { _ in Partition() }
  private(set) var count = 0

  private struct Partition {
    var buffer: [UInt8] = []
    var file: (any File)?
    var fileBytes = 0
  }

  init(_ space: SpillSpace, memoryMax: Int = 24 << 20, depth: Int = 0) {
    self.space = space
    self.memoryMax = memoryMax
    self.depth = depth
  }

  deinit {
    for partition in partitions { partition.file?.close() }
  }

  /// - Complexity: O(bytes), a copy, and now and then a write.
  func add(_ item: SpillItem) throws(StoreError) {
    let hash = Self.hash(item.key) >> UInt64(Self.fanoutBits * depth)
    let place = Int(hash & UInt64(Self.fanout - 1))
    count += 1
    partitions[place].buffer.append(item)
    if partitions[place].buffer.count >= Self.bufferBytes { try flush(place) }
  }

  private func flush(_ place: Int) throws(StoreError) {
    if partitions[place].file == nil { partitions[place].file = try space.makeFile() }
    guard let file = partitions[place].file else { return }
    try diskErrors("temporary files") { () throws(SystemError) in
      try file.writeAll(partitions[place].buffer, at: partitions[place].fileBytes)
    }
    partitions[place].fileBytes += partitions[place].buffer.count
    partitions[place].buffer.removeAll(keepingCapacity: true)
  }

  /// Hands the items to `body`, one of each key, some thousands at a time, in an order that does not change from run to run.
  /// Frees what it has handed out.
  /// - Parameter merge: takes a later item of a key into an earlier one. It may be called for the same two items again.
  func drain(
    merge: (inout SpillItem, SpillItem) throws(StoreError) -> Void,
    body: ([SpillItem]) throws(StoreError) -> Void
  ) throws(StoreError) {
    for place in partitions.indices {
      if let items = try load(place, merge) {
        try body(items)
      } else {
        // All bits of the hash are not enough for keys that collide in it; then they have to fit.
        let parts = Spill(space, memoryMax: memoryMax, depth: depth + 1)
        _ = try forEachItem(of: place) { item throws(StoreError) in
          try parts.add(item)
          return true
        }
        free(place)
        try parts.drain(merge: merge, body: body)
      }
      free(place)
    }
  }

  private func free(_ place: Int) {
    partitions[place].file?.close()
    partitions[place] = Partition()
  }

  /// One item of each key of a partition; nil if they are too many.
  private func load(
    _ place: Int, _ merge: (inout SpillItem, SpillItem) throws(StoreError) -> Void
  ) throws(StoreError) -> [SpillItem]? {
    var items: [SpillItem] = []
    var places: [[UInt8]: Int] = [:]
    var bytes = 0
    let isDeepest = (depth + 1) * Self.fanoutBits >= 60
    let isWhole = try forEachItem(of: place) { item throws(StoreError) in
      if let known = places[item.key] {
        bytes -= items[known].bytes
        try merge(&items[known], item)
        bytes += items[known].bytes
      } else {
        places[item.key] = items.count
        bytes += item.bytes + SpillItem.overheadBytes
        items.append(item)
      }
      return bytes <= memoryMax || isDeepest
    }
    return isWhole ? items : nil
  }

  /// - Returns: whether `body` returned true each time.
  private func forEachItem(
    of place: Int, _ body: (SpillItem) throws(StoreError) -> Bool
  ) throws(StoreError) -> Bool {
    var rest: [UInt8] = []
    var offset = 0
    while offset < partitions[place].fileBytes, let file = partitions[place].file {
      let count = min(256 << 10, partitions[place].fileBytes - offset)
      let read = try diskErrors("temporary files") { () throws(SystemError) in
        try file.readAll(at: offset, count: count)
      }
      guard read.count == count else {
        throw .corrupt(path: "a temporary file", offset: offset, reason: "it is shorter than what was written")
      }
      rest += read
      offset += count
      if try !take(from: &rest, body) { return false }
    }
    rest += partitions[place].buffer
    return try take(from: &rest, body)
  }

  /// Takes the items that are complete.
  private func take(
    from bytes: inout [UInt8], _ body: (SpillItem) throws(StoreError) -> Bool
  ) throws(StoreError) -> Bool {
    var position = 0
    while let item = bytes.spillItem(at: position) {
      position += item.bytes
      if try !body(item) { return false }
    }
    bytes.removeSubrange(..<position)
    return true
  }

  /// FNV-1a with a finish that spreads its bits.
  private static func hash(_ bytes: [UInt8]) -> UInt64 {
    var hash: UInt64 = 0xCBF2_9CE4_8422_2325
    for byte in bytes { hash = (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3 }
    hash = (hash ^ (hash >> 30)) &* 0xBF58_476D_1CE4_E5B9
    hash = (hash ^ (hash >> 27)) &* 0x94D0_49BB_1331_11EB
    return hash ^ (hash >> 31)
  }
}

extension [UInt8] {
  fileprivate mutating func append(_ item: SpillItem) {
    withUnsafeTemporaryAllocation(byteCount: SpillItem.headerBytes, alignment: 8) { header in
      header.store(UInt32(item.key.count), at: 0)
      header.store(item.flag, at: 4)
      header.store(item.lsn, at: 8)
      header.store(item.order, at: 16)
      header.store(UInt64(item.payload.count), at: 24)
      header.store(UInt64(item.note.count), at: 32)
      header.store(UInt64(item.keyLength), at: 40)
      append(contentsOf: header)
    }
    append(contentsOf: item.key)
    append(contentsOf: item.payload)
    append(contentsOf: item.note)
  }

  /// The item that begins at `position`; nil if not all of it is there.
  fileprivate func spillItem(at position: Int) -> SpillItem? {
    withUnsafeBytes { raw in
      guard position + SpillItem.headerBytes <= raw.count else { return nil }
      let key = position + SpillItem.headerBytes
      let payload = key + Int(raw.load32(at: position))
      let note = payload + Int(raw.load64(at: position + 24))
      let end = note + Int(raw.load64(at: position + 32))
      guard end <= raw.count else { return nil }
      return SpillItem(
        key: [UInt8](raw[key..<payload]), flag: raw.load32(at: position + 4), lsn: raw.load64(at: position + 8),
        order: raw.load64(at: position + 16), payload: [UInt8](raw[payload..<note]),
        keyLength: Int(raw.load64(at: position + 40)), note: [UInt8](raw[note..<end]))
    }
  }
}
