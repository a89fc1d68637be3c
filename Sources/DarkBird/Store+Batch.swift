extension Store {
  /// Does operations on many keys in one atomic step: all or nothing, in memory, in the log and after a crash.
  ///
  ///     try store.batch { batch in
  ///       batch.put(from, for: "ada")
  ///       batch.put(to, for: "ben")
  ///       batch.remove("offer")
  ///     }
  ///
  /// A unique value may move from one document of the batch to another, or two may swap theirs: only what is there after the
  /// batch counts. A look at a single document sees it before or after the batch; several documents of one moment are in a
  /// `snapshot()` and in the result of a query by index. The batch is one record of the log; there is an event for each key that changed,
  /// in the order in which the keys came first, all with the LSN of the batch and with nothing between them.
  ///
  /// - Parameter collect: fills the batch, under no lock; it is called once. What it reads from the store may have changed when
  ///   the batch is done: to depend on that, use `insert`, or `update` for a single document.
  /// - Returns: the LSN of the batch; nil if there was nothing to do.
  /// - Throws: what `collect` throws; `.keyExists` of an `insert`; `.duplicate` if a document outside of the batch, or another one
  ///   in it, owns a unique value, and `.tooLarge` if all keys and documents take more than `LogFormat.batchBytesMax`;
  ///   otherwise as `put`. Except for `.poisoned` while it waits for the acknowledgement, nothing was changed then.
  /// - Complexity: as a `put` for each key; meanwhile the shards of all keys are locked, so that large batches make others wait.
  @inlinable
  @discardableResult
  public func batch(
    ack: Acknowledgement? = nil, _ collect: (inout Batch<Key, Document>) throws -> Void
  ) throws -> UInt64? {
    try throwIfNotWritable()
    var batch = Batch<Key, Document>()
    try collect(&batch)
    return try write(batch, ack)
  }

  /// The order of a write for many keys. What is replaced is looked up first, and what the schema says of it and the record
  /// of the log are made of that, under no lock; if something else is there once all shards are locked, it begins again.
  @inlinable
  func write(_ batch: Batch<Key, Document>, _ ack: Acknowledgement?) throws(StoreError) -> UInt64? {
    try throwIfNotWritable()
    let began = timer.begin()
    var items: ContiguousArray<BatchItem<Key, Document>> = []
    items.reserveCapacity(batch.operations.count)
    let log = disk?.log
    for operation in batch.operations {
      items.append(
        try BatchItem(operation, shardCount: shards.count, indexSchema, isLogged: log != nil))
    }
    if items.isEmpty { return nil }
    try throwIfContradictory(batch, items)
    let lockedShards = Set(items.map(\.shard)).sorted()
    // Neighbours in a shard one after the other.
    let byShard = items.indices.sorted { (items[$0].shard, $0) < (items[$1].shard, $1) }
    let reservedBytes = log == nil ? 0 : try LogBatch.payloadBytes(items.map(\.record))
    var reservation: Log.Reservation?
    defer { giveBack(&reservation) }
    var attempts = 0

    // Documents that do not own what they seem to own, found out between two attempts.
    var cleared: [Entry<Key, Document>] = []
    // What is done, by position in the items; the owners among what it replaces; and the record of it.
    var effective: [Int] = []
    var owners: Set<DocumentNumber> = []
    var payload: [UInt8] = []
    // What was there at the last attempt. The next one begins with that: between two attempts there is only work for what has
    // changed, and in the first ones a wait for room, or else among busy writers something would always have changed.
    var found: ContiguousArray<Entry<Key, Document>?> = []
    while true {
      let (outdated, isOtherWork) = lookUp(&items, found)
      if isOtherWork {
        effective = items.indices.filter { items[$0].isEffective }
        owners = Set(effective.lazy.compactMap { items[$0].old?.number })
        if log != nil { payload = LogBatch.payload(effective.map { (items[$0].new != nil, items[$0].record) }) }
      }
      if reservation == nil, !effective.isEmpty { reservation = try log?.reserve(payloadBytes: reservedBytes) }

      found = ContiguousArray(repeating: nil, count: items.count)
      if planted(.batchShardsLockedInAnyOrder) { for shard in lockedShards.reversed() { shards[shard].lock() } }
      for shard in lockedShards where !planted(.batchShardsLockedInAnyOrder) { shards[shard].lock() }
      var attempt = BatchAttempt.isOutdated
      var left: [AnyObject] = []
      for index in items.indices {
        let shard = shards[items[index].shard]
        found[index] =
          Key.areComparedUnderLocks
          ? shard.find(items[index].key, hash: items[index].hash)
          : shard.find(&items[index].compared, hash: items[index].hash)
      }
      let isUnknown = !Key.areComparedUnderLocks && items.contains { !$0.compared.unknown.isEmpty }
      if isUnknown {
        attempt = .isOutdated
      } else if items.indices.allSatisfy({ found[$0] === items[$0].old }) || planted(.outdatedBatchDone) {
        attempt =
          effective.isEmpty
          ? .nothingToDo
          : write(
            effective, of: items, byShard, payload, &reservation, owners, cleared, lockedShards, &left)
      }
      let documents = shards[lockedShards[0]].contents.pointee.map.count << Int(shardBits)
      let listMax = DeferredIndexes.listMax(documents: documents, shards: shards.count)
      for shard in lockedShards.reversed() { shards[shard].unlock() }
      switch attempt {
      case .isOutdated, .claimed: willCallUserCode(&reservation, &attempts)
      default: giveBack(&reservation)
      }
      // What only this call still holds is freed from here on: that is user code too.
      withExtendedLifetime((outdated, found)) {}
      for index in items.indices where isUnknown && !items[index].compared.unknown.isEmpty {
        let before = items[index].compared.equal
        items[index].compared.compareUnknown(with: items[index].key)
        // Under the lock nobody could tell.
        if let equal = items[index].compared.equal, equal !== before { found[index] = equal }
      }

      switch attempt {
      case .done(let lsn, let waiting, let published):
        let waitingMax = Reclaimer.versionsMax(documents: documents)
        for index in effective {
          if let old = items[index].old { reclaimer.retire(old, waitingMax: waitingMax) }
        }
        if !left.isEmpty { reclaimer.retire(left) }
        if waiting >= listMax { indexes.deferred.relieve(waiting, listMax: listMax, asOf: { memoryLSN }) }
        if published > 0 { hub.didPublish(published) }
        try wait(for: lsn, ack)
        timer.end(.batch, began)
        return lsn
      case .isOutdated: continue
      case .nothingToDo: return nil
      case .keyExists(let position):
        throw refused(.keyExists(key: items[position].key.description), shard: items[0].shard)
      case .full(let shard):
        throw refused(
          .tooManyDocuments(shard: shard, limit: DocumentNumber.slots(shardBits)), shard: shard)
      case .claimed(let claims):
        let owner = owner(
          of: claims, notOwners: &cleared, isOwn: { batch.positions[$0] != nil },
          isWanted: { index, value in items.contains { $0.new != nil && $0.newKeys.values[index].value == value } })
        guard let (claim, owner) = owner else { continue }
        throw refused(
          .duplicate(index: indexes.uniqueNames[claim.index], value: claim.value, owner: owner.key.description),
          shard: items[0].shard)
      case .logFailed(let error): throw refused(error, shard: items[0].shard)
      }
    }
  }

  /// Takes what is replaced from `found`, or looks it up the first time, when that is empty, and has the schema say what it is
  /// indexed under. Under no lock.
  /// - Returns: what was found before and is not there any more; whether there is anything else to do than before.
  @inlinable
  func lookUp(
    _ items: inout ContiguousArray<BatchItem<Key, Document>>, _ found: ContiguousArray<Entry<Key, Document>?>
  ) -> (outdated: [Entry<Key, Document>], isOtherWork: Bool) {
    var outdated: [Entry<Key, Document>] = []
    // Before the first attempt nothing is known.
    var isOtherWork = found.isEmpty
    for index in items.indices {
      let before = items[index].old
      let old = found.isEmpty ? entry(items[index].key) : found[index]
      if old === before { continue }
      if let before { outdated.append(before) }
      if (old == nil) != (before == nil) || old?.number != before?.number { isOtherWork = true }
      items[index].old = old
      if let old { items[index].compared.equal = old }
      items[index].oldKeys = old.flatMap { try? indexSchema.keys(of: $0.document) } ?? IndexKeys()
    }
    return (outdated, isOtherWork)
  }

  /// How an attempt ended.
  @usableFromInline
  enum BatchAttempt {
    /// With the LSN, and the most changes that wait in a shard to be indexed, and for subscribers.
    case done(UInt64, waiting: Int, published: Int)
    /// Something changed since it was looked up.
    case isOutdated
    case nothingToDo
    /// By position in the items.
    case keyExists(Int)
    case full(shard: Int)
    case claimed([UniqueClaim])
    case logFailed(StoreError)
  }

  /// The part of a batch for which all its shards are locked.
  @inlinable
  func write(
    _ effective: [Int], of items: ContiguousArray<BatchItem<Key, Document>>,
    _ byShard: [Int], _ payload: [UInt8], _ reservation: inout Log.Reservation?, _ owners: Set<DocumentNumber>,
    _ cleared: [Entry<Key, Document>], _ lockedShards: [Int], _ left: inout [AnyObject]
  ) -> BatchAttempt {
    if let position = items.firstIndex(where: { $0.needsAbsence && $0.old != nil }) { return .keyExists(position) }
    let stripes = effective.reduce(into: IndexSet.LockMask(0)) { mask, index in
      mask |= indexes.mask(old: items[index].oldKeys, new: items[index].newKeys)
    }
    indexes.lock(stripes)
    defer { indexes.unlock(stripes) }
    for item in effective.lazy.map({ items[$0] }) {
      // Documents of the batch give their values up, or else one of them would contradict this one.
      let claims = indexes.claims(old: item.oldKeys, new: item.newKeys) { number in
        owners.contains(number) || isCurrent(number, among: cleared, lockedShards: lockedShards)
      }
      if !claims.isEmpty { return .claimed(claims) }
    }
    if let shard = number(items, byShard) { return .full(shard: shard) }
    // All before the first change, until after the last: a lookup sees none of the batch or all of it.
    if !planted(.batchSeenInParts) { for shard in lockedShards { shards[shard].beginChange() } }
    defer { if !planted(.batchSeenInParts) { for shard in lockedShards { shards[shard].endChange() } } }
    if !indexSchema.isEmpty { for shard in lockedShards { indexes.deferred.announce(shard: shard) } }
    // All of the batch to one lane, for they have one LSN.
    let lane = hub.isActive ? hub.beginPublishing() : nil
    let lsn: UInt64
    do throws(StoreError) {
      lsn = try sequence(.batch, payload: payload, keyLength: 0, &reservation)
    } catch {
      if let lane { _ = hub.endPublishing(lane) }
      return .logFailed(error)
    }
    var waiting = 0
    let documents = shards[lockedShards[0]].contents.pointee.map.count << Int(shardBits)
    let listMax = DeferredIndexes.listMax(documents: documents, shards: shards.count)
    for item in effective.lazy.map({ items[$0] }) {
      let number = item.old?.number ?? item.new?.number ?? 0
      item.new?.lsn = lsn
      indexes.replace(number, old: item.oldKeys, new: item.newKeys, &left)
      if !indexSchema.isEmpty {
        let count = indexes.deferred.append(
          number, old: item.oldKeys, new: item.newKeys, lsn: lsn, shard: item.shard, listMax: listMax)
        waiting = max(waiting, count)
      }
      if let lane { hub.publish(old: item.old, new: item.new, lsn: lsn, in: lane) }
    }
    // Insertions first: their slots are those that are free before a removal frees others.
    for areInsertions in [true, false] {
      for position in byShard where items[position].isEffective && (items[position].old == nil) == areInsertions {
        let item = items[position]
        let shard = shards[item.shard]
        let slot = (item.old?.number ?? item.new?.number ?? 0).slot(shardBits)
        _ = planted(.batchSeenInParts) || planted(.slotSeenTooEarly)
        shard.apply(old: item.old, new: item.new, hash: item.hash, slot: slot, &left)
        shard.contents.pointee.operations.count(item.kind, Refusal?.none)
      }
    }
    shards[items[0].shard].contents.pointee.operations.batches &+= 1
    return .done(lsn, waiting: waiting, published: lane.map(hub.endPublishing) ?? 0)
  }

  /// Gives the new versions the numbers of the old ones, and new documents those of the slots that they will get.
  /// - Returns: a shard that has not so many numbers; nil if all have.
  @inlinable
  func number(_ items: ContiguousArray<BatchItem<Key, Document>>, _ byShard: [Int]) -> Int? {
    var shard = -1
    var insertions = 0
    for position in byShard {
      let item = items[position]
      guard let new = item.new else { continue }
      if let old = item.old {
        new.number = old.number
        continue
      }
      if item.shard != shard { (shard, insertions) = (item.shard, 0) }
      let slot = shards[shard].contents.pointee.map.slot(ofInsertion: insertions)
      if slot >= DocumentNumber.slots(shardBits) { return shard }
      new.number = DocumentNumber(slot: slot, shard: shard, shardBits: shardBits)
      insertions += 1
    }
    return nil
  }

  /// What a batch cannot be, whatever is in the store: with two documents for one key that were both to be new, or for one
  /// unique value.
  @inlinable
  func throwIfContradictory(
    _ batch: Batch<Key, Document>, _ items: ContiguousArray<BatchItem<Key, Document>>
  ) throws(StoreError) {
    if let key = batch.keyInsertedTwice {
      throw refused(.keyExists(key: key.description), shard: items[0].shard)
    }
    guard
      let (index, first, second) = IndexKeys.collision(among: items.map(\.newKeys), uniques: indexSchema.uniques.count),
      let value = items[second].newKeys.values[index].value
    else { return }
    throw refused(
      .duplicate(index: indexes.uniqueNames[index], value: value, owner: items[first].key.description),
      shard: items[0].shard)
  }

  /// Counts a refusal, in one of the shards of the batch.
  @usableFromInline
  func refused(_ error: StoreError, shard: Int) -> StoreError {
    shards[shard].lock()
    defer { shards[shard].unlock() }
    shards[shard].contents.pointee.operations.refusals += 1
    if case .duplicate = error { shards[shard].contents.pointee.operations.duplicatesRefused += 1 }
    return error
  }

  /// As the one for a write of one key, while several shards are locked.
  @usableFromInline
  func isCurrent(_ number: DocumentNumber, among entries: [Entry<Key, Document>], lockedShards: [Int]) -> Bool {
    guard let entry = entries.last(where: { $0.number == number }) else { return false }
    if planted(.clearedClaimNotCheckedAgain) { return true }
    let shard = shards[shardNumber(number)]
    if lockedShards.contains(shardNumber(number)) {
      return shard.contents.pointee.map.entry(inSlot: slot(number)) === entry
    }
    guard shard.mutex.tryLock() else { return false }
    defer { shard.unlock() }
    return shard.contents.pointee.map.entry(inSlot: slot(number)) === entry
  }
}

extension ShardMap {
  /// The slot that the new document will get that comes after `count` other new ones, if nothing is removed before.
  @inlinable
  func slot(ofInsertion count: Int) -> Int {
    count < freeSlots.count ? Int(freeSlots[freeSlots.count - 1 - count]) : slotCount + count - freeSlots.count
  }
}

extension IndexKeys {
  /// The first document with a unique value that one before it has too: number of the index, and positions of the two.
  /// - Parameter uniques: how many of the values are of unique indexes.
  @usableFromInline
  static func collision(among all: [IndexKeys], uniques: Int) -> (index: Int, first: Int, second: Int)? {
    var seen: [[IndexValue: Int]] = Array(repeating: [:], count: uniques)
    for (position, keys) in all.enumerated() {
      for index in 0..<uniques where index < keys.values.count {
        guard let value = keys.values[index].value else { continue }
        if let first = seen[index].updateValue(position, forKey: value) { return (index, first, position) }
      }
    }
    return nil
  }
}
