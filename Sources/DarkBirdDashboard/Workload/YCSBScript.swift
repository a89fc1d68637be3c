import DarkBird

/// Presets `ycsb-a` to `ycsb-f`: the core workloads of YCSB. As there, every thread runs the whole mix.
///
/// Where it differs from YCSB: records are inserted by `insert`, not `put`. D and E go on for ever, so once they have
/// doubled the number of records, each insert is followed by the removal of the oldest record. A store has no order of
/// keys, so a scan of E takes the next 1 to 100 records in the store's own order, from where the thread's last scan
/// ended.
struct YCSBScript: WorkloadScript {
  let store: Store<String, YCSBRecord>
  let options: WorkloadOptions

  private var threads: Int { max(options.writers + options.readers, 1) }
  var laneCount: Int { mix.insert > 0 ? threads : 1 }
  var capacity: Int { mix.insert > 0 ? options.documents * 2 : options.documents }

  /// Shares in percent.
  struct Mix {
    var read = 0
    var update = 0
    var insert = 0
    var scan = 0
    var readModifyWrite = 0
  }

  var mix: Mix {
    switch options.preset {
    case .ycsbA: Mix(read: 50, update: 50)
    case .ycsbB: Mix(read: 95, update: 5)
    case .ycsbC, .clubs: Mix(read: 100)
    case .ycsbD: Mix(read: 95, insert: 5)
    case .ycsbE: Mix(insert: 5, scan: 95)
    case .ycsbF: Mix(read: 50, readModifyWrite: 50)
    }
  }

  func existingNumbers() throws -> [Int] { try store.numbers(YCSBRecord.number(ofKey:)) }

  func key(_ number: Int) -> String { YCSBRecord.key(number) }

  func load(_ number: Int, timer: OperationTimer) throws {
    let record = YCSBRecord(seed: options.seed, number: number)
    let key = YCSBRecord.key(number)
    // Not waited for one by one: `finishLoad` syncs them all.
    try timer.measure(.insert) { () throws(StoreError) in try store.insert(record, for: key, ack: .memory) }
  }

  func finishLoad() throws { try store.sync() }

  func makeClient(_ thread: Int, population: Population, timer: OperationTimer) -> any WorkloadClient {
    YCSBClient(script: self, thread: thread, population: population, timer: timer)
  }
}

final class YCSBClient: WorkloadClient {
  private static let scanDocumentsMax = 100

  private let store: Store<String, YCSBRecord>
  private let seed: UInt64
  private let acknowledgement: Acknowledgement?
  /// Where this thread inserts.
  private let lane: Population.Lane
  private let timer: OperationTimer
  private var random: SeededGenerator
  private var keys: KeyChooser
  private var mix: YCSBScript.Mix
  private var cursor: Cursor?
  private(set) var writtenKey = ""

  init(script: YCSBScript, thread: Int, population: Population, timer: OperationTimer) {
    store = script.store
    seed = script.options.seed
    acknowledgement = script.options.acknowledgement
    lane = population.lanes[thread % population.lanes.count]
    self.timer = timer
    random = SeededGenerator(seed: seed, stream: UInt64(thread))
    keys = KeyChooser(script.options.distribution ?? script.options.preset.distribution, among: population.lanes)
    mix = script.mix
  }

  func stopWriting() -> Bool {
    mix = YCSBScript.Mix(read: mix.read, scan: mix.scan)
    return mix.read + mix.scan > 0
  }

  func perform() throws {
    var dice = random.below(mix.read + mix.update + mix.insert + mix.scan + mix.readModifyWrite)
    if dice < mix.read { return read() }
    dice -= mix.read
    if dice < mix.update { return try update() }
    dice -= mix.update
    if dice < mix.insert { return try insert() }
    dice -= mix.insert
    if dice < mix.scan { return try scan() }
    // Two operations, and so two latencies.
    let key = nextKey()
    _ = timer.measure(.get) { store[key] }
    try update(key)
  }

  private func nextKey() -> String { YCSBRecord.key(keys.next(using: &random) ?? 0) }

  private func read() {
    let key = nextKey()
    _ = timer.measure(.get) { store[key] }
  }

  private func update() throws { try update(nextKey()) }

  /// Writes one field, as YCSB does unless told otherwise.
  private func update(_ key: String) throws {
    let field = random.below(YCSBRecord.fieldCount)
    let value = YCSBRecord.value(&random)
    writtenKey = key
    try timer.measure(.update) {
      _ = try store.update(key, ack: acknowledgement) { $0[field] = value }
    }
  }

  private func insert() throws {
    let number = lane.number(lane.end)
    let record = YCSBRecord(seed: seed, number: number)
    let key = YCSBRecord.key(number)
    writtenKey = key
    do {
      try timer.measure(.insert) { () throws(StoreError) in
        try store.insert(record, for: key, ack: acknowledgement)
      }
    } catch .keyExists {
      // Left by an earlier run. It is as good as a new one.
    }
    lane.advanceEnd()
    while lane.count > lane.target {
      let oldest = YCSBRecord.key(lane.number(lane.first))
      writtenKey = oldest
      _ = try timer.measure(.remove) { () throws(StoreError) in try store.remove(oldest, ack: acknowledgement) }
      lane.advanceFirst()
    }
  }

  private func scan() throws {
    let limit = 1 + random.below(Self.scanDocumentsMax)
    let after = cursor
    cursor = try timer.measure(.scan) { () throws(StoreError) in try store.scan(limit: limit, after: after).next }
  }
}
