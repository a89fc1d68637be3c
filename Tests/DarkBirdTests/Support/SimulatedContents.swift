/// The bytes of one simulated file: what reads see now, and what a power loss may leave of them.
///
/// Every 512-byte sector that was written since the last successful sync keeps its earlier versions. After a power loss
/// a sector holds any one of them, independently of all others, and the file has any of the sizes it had.
struct SimulatedContents {
  static let sectorBytes = 512
  /// More versions of one unsynced sector than this forget their middle: the durable and the newest ones matter.
  private static let versionsMax = 4
  private static let zeros = [UInt8](repeating: 0, count: sectorBytes)

  private(set) var size = 0
  /// Sectors as reads see them; one that is missing holds zeros.
  private var sectors: [Int: [UInt8]] = [:]
  private var durableSize = 0
  private var unsyncedSizes: [Int] = []
  /// Earlier versions of each sector that was written since the last sync, the durable one first.
  private var earlierVersions: [Int: [[UInt8]]] = [:]
  /// Sectors that were dirty when a sync failed: the system takes them for clean, no later sync writes them.
  private var forgotten: Set<Int> = []

  init() {}

  /// A file whose bytes are all durable.
  init(durable bytes: [UInt8]) {
    bytes.withUnsafeBytes { write($0, at: 0) }
    synchronize()
  }

  var bytes: [UInt8] {
    var result = [UInt8](repeating: 0, count: size)
    _ = result.withUnsafeMutableBytes { read(into: $0, at: 0) }
    return result
  }

  var hasUnsyncedChanges: Bool { !earlierVersions.isEmpty || !unsyncedSizes.isEmpty }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) -> Int {
    let count = max(0, min(buffer.count, size - offset))
    var done = 0
    while done < count {
      let (sector, start) = (offset + done).quotientAndRemainder(dividingBy: Self.sectorBytes)
      let length = min(Self.sectorBytes - start, count - done)
      (sectors[sector] ?? Self.zeros).withUnsafeBytes { source in
        buffer[done..<done + length].copyBytes(from: source[start..<start + length])
      }
      done += length
    }
    return count
  }

  mutating func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) {
    var done = 0
    while done < bytes.count {
      let (sector, start) = (offset + done).quotientAndRemainder(dividingBy: Self.sectorBytes)
      let length = min(Self.sectorBytes - start, bytes.count - done)
      var content = rememberVersion(of: sector)
      content.withUnsafeMutableBytes { target in
        target[start..<start + length].copyBytes(from: bytes[done..<done + length])
      }
      sectors[sector] = content
      done += length
    }
    if bytes.count > 0 { grow(to: offset + bytes.count) }
  }

  mutating func grow(to newSize: Int) {
    guard newSize > size else { return }
    size = newSize
    unsyncedSizes.append(newSize)
  }

  mutating func truncate(to newSize: Int) {
    guard newSize != size else { return }
    let (boundary, kept) = newSize.quotientAndRemainder(dividingBy: Self.sectorBytes)
    for sector in sectors.keys.sorted() where sector >= boundary && newSize < size {
      var content = rememberVersion(of: sector)
      if sector == boundary && kept > 0 {
        for index in kept..<Self.sectorBytes { content[index] = 0 }
        sectors[sector] = content
      } else {
        sectors[sector] = nil
      }
    }
    size = newSize
    unsyncedSizes.append(newSize)
  }

  mutating func synchronize() {
    earlierVersions = earlierVersions.filter { forgotten.contains($0.key) }
    durableSize = size
    unsyncedSizes = []
  }

  /// A sync that fails: nothing becomes durable, and what was dirty never will, unless it is written again.
  mutating func failToSynchronize() { forgotten.formUnion(earlierVersions.keys) }

  /// What a power loss leaves: of each unsynced sector any version, of the sizes any one.
  func afterPowerLoss(using generator: inout SeededGenerator) -> SimulatedContents {
    var survivor = self
    let survivalPercent = generator.pick([0, 10, 50, 90, 100])
    for sector in earlierVersions.keys.sorted() {
      guard let versions = earlierVersions[sector], !generator.chance(survivalPercent) else { continue }
      survivor.sectors[sector] = generator.pick(versions)
    }
    if !unsyncedSizes.isEmpty && !generator.chance(survivalPercent) {
      survivor.size = generator.pick([durableSize] + unsyncedSizes)
    }
    survivor.dropBytesPastEnd()
    survivor.earlierVersions = [:]
    survivor.forgotten = []
    survivor.synchronize()
    return survivor
  }

  private mutating func dropBytesPastEnd() {
    let (boundary, kept) = size.quotientAndRemainder(dividingBy: Self.sectorBytes)
    sectors = sectors.filter { $0.key < boundary || ($0.key == boundary && kept > 0) }
    if kept > 0, var content = sectors[boundary] {
      for index in kept..<Self.sectorBytes { content[index] = 0 }
      sectors[boundary] = content
    }
  }

  /// Keeps the present version of a sector for a power loss to bring back, and returns it.
  private mutating func rememberVersion(of sector: Int) -> [UInt8] {
    let present = sectors[sector] ?? Self.zeros
    var versions = earlierVersions[sector] ?? []
    if versions.count == Self.versionsMax { versions.remove(at: 1) }
    versions.append(present)
    earlierVersions[sector] = versions
    forgotten.remove(sector)
    return present
  }
}
