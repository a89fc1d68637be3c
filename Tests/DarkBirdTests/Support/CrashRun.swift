import Synchronization

@testable import DarkBird

/// A random workload on a simulated disk, and copies of that disk taken between its calls.
struct CrashRun {
  /// A disk as it was at one call, and what was promised by then.
  struct Capture: Sendable {
    let disk: SimulatedFileSystem
    let durable: UInt64
    let written: UInt64
    let call: String
  }

  private let seed: Int
  private var generator: SeededGenerator
  private var fileSystem = SimulatedFileSystem.forStores()
  private var oracle = CrashOracle()
  private var store: MemberStore
  private let durable = Counter()
  private let written = Counter()
  private var captures = Seen<Capture>()
  /// Disks from before a kill, with the history that was theirs.
  private var earlier: [(oracle: CrashOracle, captures: [Capture])] = []
  private let capturePercent: Int
  private let domain = 12

  init(seed: Int) throws {
    self.seed = seed
    generator = SeededGenerator(seed: UInt64(seed))
    capturePercent = generator.pick([10, 30, 60])
    if generator.chance(15) { oracle.configuration.pageCapacity = .records(1 + generator.below(6)) }
    if generator.chance(30) { oracle.configuration.queueBytesMax = 2_000 }
    if generator.chance(30) { oracle.configuration.syncIntervalMilliseconds = 1 }
    if generator.chance(20) {
      oracle.configuration.checkpointLogBytes = 6_000
    } else if generator.chance(40) {
      oracle.configuration.keptPageBytes = LogFormat.headerBytes + 1_000
    }
    // Captures begin with the making of the store.
    Self.observe(fileSystem, seed, capturePercent, captures, durable, written)
    store = try MemberStore(oracle.configuration, on: fileSystem)
  }

  private static func observe(
    _ fileSystem: SimulatedFileSystem, _ seed: Int, _ percent: Int, _ captures: Seen<Capture>, _ durable: Counter,
    _ written: Counter
  ) {
    fileSystem.observe { [unowned fileSystem] number, call, path in
      var generator = SeededGenerator(seed: UInt64(seed) << 32 + UInt64(number))
      guard generator.chance(percent) else { return }
      // What was promised before the copy is made must be in it.
      let (durable, written) = (UInt64(durable.value), UInt64(written.value))
      captures.append(
        Capture(
          disk: fileSystem.killImage(), durable: durable, written: written,
          call: "before call \(number), \(call) \(path)"))
    }
  }

  /// Runs the workload, then checks about `images` disks after a power loss, and some after a kill.
  mutating func run(images: Int) throws {
    let operations = 20 + generator.below(60)
    let (syncPercent, killPercent) = (generator.pick([0, 10, 50, 100]), generator.pick([0, 0, 5]))
    for _ in 0..<operations {
      try step(syncPercent: syncPercent)
      notePromises()
      if generator.chance(killPercent) { try kill() }
      if generator.chance(4) { try reopen() }
    }
    if generator.chance(50) { try store.close() }
    fileSystem.observe(nil)
    earlier.append((oracle, captures.all))
    let epochs = earlier.filter { !$0.captures.isEmpty }
    if epochs.isEmpty { return }
    for number in 0..<images {
      let (oracle, captures) = generator.pick(epochs)
      let capture = generator.pick(captures)
      try oracle.check(
        capture.disk, floor: capture.durable, seed: generator.next(), "image \(number), power lost \(capture.call)")
      if generator.chance(5) {
        try oracle.open(capture.disk.killImage(), floor: capture.written, "killed \(capture.call)").close()
      }
    }
  }

  private mutating func step(syncPercent: Int) throws {
    let key = generator.below(domain)
    let ack: Acknowledgement = generator.chance(syncPercent) ? .synced : generator.chance(20) ? .written : .memory
    var state = oracle.present
    switch generator.below(100) {
    case 0..<15:
      var changes: [Int: Member?] = [:]
      do {
        let lsn = try store.batch(ack: ack) { batch in
          for _ in 0..<1 + generator.below(6) {
            let key = generator.below(domain)
            if generator.chance(30) {
              batch.remove(key)
              changes[key] = .some(nil)
            } else {
              var member = Member.random(&generator, domain: domain)
              member.name = String(repeating: "b", count: generator.below(700))
              batch.put(member, for: key)
              changes[key] = member
            }
          }
        }
        if lsn == nil { return }
      } catch StoreError.duplicate { return }
      for (key, member) in changes { state[key] = member }
    case 15..<55:
      var member = Member.random(&generator, domain: domain)
      member.name = String(repeating: "n", count: generator.below(700))
      do { try store.put(member, for: key, ack: ack) } catch StoreError.duplicate { return }
      state[key] = member
    case 55..<65:
      let member = Member.random(&generator, domain: domain)
      do { try store.insert(member, for: key, ack: ack) } catch {
        switch error {
        case .duplicate, .keyExists: return
        default: throw error
        }
      }
      state[key] = member
    case 65..<72:
      let name = String(repeating: "u", count: generator.below(700))
      guard let member = try store.update(key, ack: ack, { $0.name = name }) else { return }
      state[key] = member
    case 72..<92:
      if try store.remove(key, ack: ack) == nil { return }
      state[key] = nil
    case 92..<94:
      try store.removeAll(ack: ack)
      state = [:]
    case 94..<97: return try store.checkpoint()
    default: return try store.sync()
    }
    oracle.append(state)
    try requireEqual(store.memoryLSN, oracle.lastLSN, "LSN of the workload")
    // What the call has promised by returning, whatever the log says of itself.
    if ack != .memory { written.raise(to: Int(store.memoryLSN)) }
    if ack == .synced { durable.raise(to: Int(store.memoryLSN)) }
  }

  private func notePromises() {
    guard let lsns = store.disk?.log?.lsns else { return }
    durable.raise(to: Int(lsns.durable))
    written.raise(to: Int(lsns.written))
  }

  private mutating func reopen() throws {
    try store.close()
    store = try MemberStore(oracle.configuration, on: fileSystem)
    try requireEqual(store.memoryLSN, oracle.lastLSN, "LSN after reopening")
    notePromises()
  }

  /// `kill -9`: what was not written is gone, what was written is still not synced.
  private mutating func kill() throws {
    let killed = fileSystem
    killed.observe(nil)
    let floor = written.value
    fileSystem = killed.killImage()
    killed.powerOff()
    // The disks captured so far may hold more than is left now.
    earlier.append((oracle, captures.all))
    captures = Seen()
    Self.observe(fileSystem, seed, capturePercent, captures, durable, written)
    store = try oracle.open(fileSystem, floor: UInt64(floor), "killed and opened again")
    oracle.forget(after: store.memoryLSN)
    notePromises()
  }
}
