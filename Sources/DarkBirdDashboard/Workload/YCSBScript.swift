import DarkBird

/// Presets `ycsb-a` to `ycsb-f`: the core workloads of YCSB. As there, every thread runs the whole mix.
///
/// Where it differs from YCSB: records are inserted by `insert`, not `put`. D and E go on for ever, so once they have
/// doubled the number of records, each insert is followed by the removal of the oldest record. A store has no order of
/// keys, so a scan of E takes the next 1 to 100 records in the store's own order, from where the thread's last scan
/// ended.
struct YCSBScript: WorkloadScript {
  let store: Store<String, WorkloadDocument>
  let options: WorkloadOptions

  private var threads: Int { max(options.writers + options.readers, 1) }
  var laneCount: Int { mix[.insert] > 0 ? threads : 1 }
  var capacity: Int { mix[.insert] > 0 ? options.documents * 2 : options.documents }

  private var mix: WorkloadMix { options.effectiveMix }

  func existingNumbers() throws -> [Int] { try store.numbers(YCSBRecord.number(ofKey:)) }

  func key(_ number: Int) -> String { YCSBRecord.key(number) }

  func load(_ number: Int) throws {
    let record = YCSBRecord(seed: options.seed, number: number)
    // Not waited for one by one: `finishLoad` syncs them all.
    try store.insert(.record(record), for: YCSBRecord.key(number), ack: .memory)
  }

  func finishLoad() throws { try store.sync() }

  func makeClient(_ thread: Int, population: Population, timer: OperationTimer) -> (any WorkloadClient)? {
    guard mix.sum(WorkloadMix.Share.ycsb) > 0 else { return nil }
    return YCSBClient(script: self, thread: thread, population: population, timer: timer)
  }
}

final class YCSBClient: WorkloadClient {
  private static let scanDocumentsMax = 100

  private let store: Store<String, WorkloadDocument>
  private let seed: UInt64
  private let acknowledgement: Acknowledgement?
  /// Where this thread inserts.
  private let lane: Population.Lane
  private let timer: OperationTimer
  private var random: SeededGenerator
  private var keys: KeyChooser
  private var mix: WorkloadMix
  private var cursor: Cursor?
  private(set) var writtenKey = ""

  init(script: YCSBScript, thread: Int, population: Population, timer: OperationTimer) {
    store = script.store
    seed = script.options.seed
    acknowledgement = script.options.acknowledgement
    lane = population.lanes[thread % population.lanes.count]
    self.timer = timer
    random = SeededGenerator(seed: seed, stream: UInt64(thread))
    keys = KeyChooser(script.options.effectiveDistribution, among: population.lanes)
    mix = script.options.effectiveMix
  }

  func stopWriting() -> Bool {
    for share in [WorkloadMix.Share.update, .insert, .readModifyWrite] { mix[share] = 0 }
    return mix[.get] + mix[.scan] > 0
  }

  func perform() throws {
    var dice = random.below(mix.sum(WorkloadMix.Share.ycsb))
    if dice < mix[.get] { return read() }
    dice -= mix[.get]
    if dice < mix[.update] { return try update() }
    dice -= mix[.update]
    if dice < mix[.insert] { return try insert() }
    dice -= mix[.insert]
    if dice < mix[.scan] { return try scan() }
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
      _ = try store.update(key, ack: acknowledgement) { document in
        guard case .record(var record) = document else { return }
        record[field] = value
        document = .record(record)
      }
    }
  }

  private func insert() throws {
    let number = lane.number(lane.end)
    let record = YCSBRecord(seed: seed, number: number)
    let key = YCSBRecord.key(number)
    writtenKey = key
    do {
      try timer.measure(.insert) { () throws(StoreError) in
        try store.insert(.record(record), for: key, ack: acknowledgement)
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
