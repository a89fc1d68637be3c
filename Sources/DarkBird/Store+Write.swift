public import CDarkBird
public import Synchronization

/// The order of a write: extract and encode; reserve room in the log; lock the shard (`ComparedEntries` is for keys
/// whose `==` is user code); lock the index stripes; check the unique owners; append to the log, which gives the LSN; replace the
/// unique values and the document, and leave the rest to be indexed when someone asks for it (`DeferredIndexes`), and the change
/// to subscribers (`EventHub`); unlock; wait for the acknowledgement.
/// `Store+Batch.swift` does the same for many keys.
///
/// `planted` is false, and compiled away, but in the builds of `Tests/mutants` and for ThreadSanitizer: read over it.
extension Store {
  @usableFromInline
  enum Expectation {
    case anything
    case absent
    /// Nil: nothing is there.
    case version(Entry<Key, Document>?)
  }

  /// One write of one key. Returns the entry that was there before, and whether the write was done: not if the document was
  /// changed since the expected version, or if there is nothing to remove.
  /// - Parameter seen: the version that is probably still there.
  @inlinable
  func write(
    _ kind: WriteKind, _ key: Key, _ document: consuming Document?, expecting expectation: Expectation,
    seen: Entry<Key, Document>? = nil, _ ack: Acknowledgement?
  ) throws(StoreError) -> (old: Entry<Key, Document>?, isDone: Bool) {
    try throwIfNotWritable()
    let began = timer.begin()
    let hash = key.storeHash
    let shardNumber = Int(hash & UInt(shards.count - 1))
    let shard = shards[shardNumber]
    shard.prefetchForChange(hash)
    let new: Entry<Key, Document>?
    var newKeys = IndexKeys()
    if let document = consume document {
      // Moved, not copied: the caller may have no more use for it.
      let entry = Entry(key: key, document: consume document)
      if !indexSchema.isEmpty {
        newKeys = indexes.takeKeys(forChangeIn: shardNumber)
        try indexSchema.fillUniques(&newKeys, of: entry.document)
        indexes.prefetchForChange(newKeys)
        try indexSchema.fillRest(&newKeys, of: entry.document)
      }
      new = entry
    } else {
      new = nil
    }
    let log = disk?.log
    let record = log == nil ? EncodedRecord.none : try EncodedRecord(key: key, document: new?.document)

    // What the schema says of the document that is replaced, and documents that do not own what they seem to own: both found
    // out under no lock, before the first attempt or between two. What is known before there is room in the log saves giving that
    // back to ask; other writes mostly replace nothing, or know what.
    var known = seen
    var isLookedUp = !Key.areComparedUnderLocks
    if case .anything = expectation, log != nil, !indexSchema.isEmpty { isLookedUp = true }
    if known == nil, isLookedUp { known = entry(key) }
    var oldKeys = IndexKeys()
    if let known { oldKeys = (try? indexSchema.keys(of: known.document)) ?? IndexKeys() }
    var cleared: [Entry<Key, Document>] = []
    var compared = ComparedEntries<Key, Document>()
    if !Key.areComparedUnderLocks { compared.equal = known }
    // Versions of the document that are let go are user code too.
    defer { withExtendedLifetime((known, compared)) {} }
    var reservation: Log.Reservation?
    defer { giveBack(&reservation) }
    var attempts = 0
    while true {
      if reservation == nil { reservation = try log?.reserve(payloadBytes: record.payload.count) }
      shard.lock()
      let documents = shard.contents.pointee.map.count << Int(shardBits)
      let listMax = DeferredIndexes.listMax(documents: documents, shards: shards.count)
      let old = Key.areComparedUnderLocks ? shard.find(key, hash: hash) : shard.find(&compared, hash: hash)
      if !Key.areComparedUnderLocks, !compared.unknown.isEmpty {
        shard.unlock()
        willCallUserCode(&reservation, &attempts)
        compared.compareUnknown(with: key)
        continue
      }
      var refusal: Refusal?
      switch expectation {
      case .anything: if old == nil && new == nil { refusal = .nothingToRemove }
      case .absent: if old != nil { refusal = .keyExists }
      case .version(let version): if old !== version, !planted(.lostUpdate) { refusal = .versionChanged }
      }
      if old == nil, refusal == nil, shard.isFull(shardBits) { refusal = .full }
      var lsn: UInt64 = 0
      // Changes of the shard that are not in all indexes yet, and those of the lane that subscribers do not have.
      var (waiting, published) = (0, 0)
      // Memory that tables have left.
      var left: [AnyObject] = []
      // Whether it is the first of some new documents, and not in the place of one that has gone, whose memory is free.
      var isFirstOfMany = false
      if refusal == nil {
        if let old, old !== known, !indexSchema.isEmpty {
          shard.unlock()
          willCallUserCode(&reservation, &attempts)
          known = old
          oldKeys = (try? indexSchema.keys(of: old.document)) ?? IndexKeys()
          continue
        }
        if old == nil { oldKeys = IndexKeys() }
        let stripes = indexSchema.isEmpty ? 0 : indexes.mask(old: oldKeys, new: newKeys)
        indexes.lock(stripes)
        let claims =
          stripes == 0
          ? []
          : indexes.claims(old: oldKeys, new: newKeys) { number in
            number == old?.number || isCurrent(number, among: cleared, locked: shardNumber)
          }
        if planted(.duplicatePublished) {
          let lane = hub.beginPublishing()
          hub.publish(old: old, new: new, lsn: 0, in: lane)
          published = hub.endPublishing(lane)
        }
        if claims.isEmpty {
          let slot = old?.number.slot(shardBits) ?? shard.contents.pointee.map.nextSlot
          let number = DocumentNumber(slot: slot, shard: shardNumber, shardBits: shardBits)
          new?.number = number
          isFirstOfMany = slot % 64 == 0 && slot == shard.contents.pointee.map.slotCount
          shard.beginChange()
          if !indexSchema.isEmpty { indexes.deferred.announce(shard: shardNumber) }
          let lane = hub.isActive ? hub.beginPublishing() : nil
          do throws(StoreError) {
            if planted(.shardUnlockedWhileLogging) { shard.unlock() }
            lsn = try sequence(
              new == nil ? .remove : .put, payload: record.payload, keyLength: record.keyLength, &reservation)
            if planted(.shardUnlockedWhileLogging) { shard.lock() }
            if !planted(.entryWithoutLSN) { new?.lsn = lsn }
            if stripes != 0 {
              indexes.replace(number, old: oldKeys, new: newKeys, &left)
              indexes.unlock(stripes)
            }
            if !indexSchema.isEmpty {
              waiting =
                old == nil
                ? indexes.deferred.append(
                  number, moving: &newKeys, lsn: lsn, shard: shardNumber, listMax: listMax)
                : indexes.deferred.append(
                  number, old: oldKeys, new: newKeys, lsn: lsn, shard: shardNumber, listMax: listMax)
            }
            if let lane { hub.publish(old: old, new: new, lsn: lsn, in: lane) }
            shard.apply(old: old, new: new, hash: hash, slot: slot, &left)
          } catch {
            refusal = .logFailed(error)
            indexes.unlock(stripes)
          }
          if let lane { published = hub.endPublishing(lane) }
          shard.endChange()
        } else {
          refusal = .claimed(claims)
          indexes.unlock(stripes)
        }
      }
      shard.contents.pointee.operations.count(kind, refusal)
      shard.unlock()
      if case .claimed = refusal { willCallUserCode(&reservation, &attempts) } else { giveBack(&reservation) }

      switch refusal {
      case nil:
        if let old { reclaimer.retire(old, waitingMax: Reclaimer.versionsMax(documents: documents)) }
        if !left.isEmpty, !planted(.tableFreedUnderReaders) { reclaimer.retire(left) }
        if isFirstOfMany { db_prepare_heap(24 << 10) }
        if new != nil, !indexSchema.isEmpty { indexes.giveBack(consume newKeys) }
        if waiting >= listMax { indexes.deferred.relieve(waiting, listMax: listMax, asOf: { memoryLSN }) }
        if published > 0 { hub.didPublish(published) }
        try wait(for: lsn, ack)
        timer.end(kind.timed, began)
        return (old, true)
      case .claimed(let claims):
        let owner = owner(
          of: claims, notOwners: &cleared, isOwn: { $0 == key }, isWanted: { newKeys.values[$0].value == $1 })
        guard let (claim, owner) = owner else { continue }
        shard.lock()
        shard.contents.pointee.operations.duplicatesRefused += 1
        shard.contents.pointee.operations.refusals += 1
        shard.unlock()
        throw .duplicate(
          index: indexes.uniqueNames[claim.index], value: claim.value, owner: owner.key.description)
      case .logFailed(let error): throw error
      case .keyExists: throw .keyExists(key: key.description)
      case .full: throw .tooManyDocuments(shard: shardNumber, limit: DocumentNumber.slots(shardBits))
      case .nothingToRemove, .versionChanged: return (nil, false)
      }
    }
  }

  /// Gives a change its place, and appends it to the log, which uses up the reservation. Under the locks of what it changes:
  /// when `close` has locked each once, whatever is not published yet is refused here.
  @inlinable
  func sequence(
    _ kind: LogRecordKind, payload: [UInt8], keyLength: Int, _ reservation: inout Log.Reservation?
  ) throws(StoreError) -> UInt64 {
    if isClosed.load(ordering: .acquiring), !planted(.writtenWhileClosing) { throw .closed }
    guard let log = disk?.log, let room = reservation else { return lastMemoryLSN.next() }
    reservation = nil
    return try log.append(kind, payload: payload, keyLength: keyLength, room)
  }

  /// Gives back the room that a write has in the log, if it has any.
  @inlinable
  func giveBack(_ reservation: inout Log.Reservation?) {
    guard let room = reservation else { return }
    reservation = nil
    disk?.log?.release(room)
  }

  /// Between two attempts to write. User code may write too, and must not wait for the room of this write; but after some attempts
  /// that is kept, for among busy writers something would always have changed when there is room again.
  @inlinable
  func willCallUserCode(_ reservation: inout Log.Reservation?, _ attempts: inout Int) {
    attempts += 1
    if attempts <= Self.attemptsWithoutRoom { giveBack(&reservation) }
  }

  @inlinable static var attemptsWithoutRoom: Int { 4 }

  @inlinable
  func wait(for lsn: UInt64, _ ack: Acknowledgement?) throws(StoreError) {
    let level = ack ?? (planted(.levelOfTheStoreForgotten) ? .memory : configuration.acknowledgement)
    if level != .memory { try disk?.log?.wait(for: lsn, level) }
  }

  @inlinable @inline(__always)
  func throwIfNotWritable() throws(StoreError) {
    if configuration.isReadOnly { throw .readOnly }
    if isClosed.load(ordering: .acquiring) { throw .closed }
  }

  /// Why an attempt to write did not happen.
  @usableFromInline
  enum Refusal {
    case nothingToRemove
    case keyExists
    case versionChanged
    case full
    case claimed([UniqueClaim])
    case logFailed(StoreError)
  }

  // MARK: Owners of unique values

  /// The first document that really owns one of the values of a write; those that own none of them are added to `notOwners`.
  /// Nil if there is none, or if one has changed meanwhile: then the write is tried again. Under no lock.
  ///
  /// The document that is there now may be a later version than the one that seemed to own the claimed value, and own another
  /// value of the write: to be passed over from now on it must own none.
  ///
  /// - Parameters:
  ///   - isOwn: whether the write replaces the document under a key.
  ///   - isWanted: whether a version that the write brings has this value of a unique index.
  @usableFromInline
  func owner(
    of claims: [UniqueClaim], notOwners: inout [Entry<Key, Document>], isOwn: (Key) -> Bool,
    isWanted: (_ index: Int, _ value: IndexValue) -> Bool
  ) -> (UniqueClaim, Entry<Key, Document>)? {
    for claim in claims {
      for number in claim.owners {
        guard let entry = entry(number), !isOwn(entry.key) else { continue }
        if planted(.hashTakenForTheValue) { return (claim, entry) }
        // The value itself first: of the writes of a batch the first one that is refused says why.
        if indexSchema.uniques[claim.index].value(entry.document) == claim.value { return (claim, entry) }
        for (index, unique) in indexSchema.uniques.enumerated() {
          if let value = unique.value(entry.document), isWanted(index, value) {
            return (UniqueClaim(index: index, value: value, owners: [number]), entry)
          }
        }
        notOwners.append(entry)
      }
    }
    return nil
  }

  /// Whether the current version of a document is one of `entries`. Called while shard `locked` is; another shard that is
  /// locked just now counts as no.
  @usableFromInline
  func isCurrent(_ number: DocumentNumber, among entries: [Entry<Key, Document>], locked: Int) -> Bool {
    guard let entry = entries.last(where: { $0.number == number }) else { return false }
    if planted(.clearedClaimNotCheckedAgain) { return true }
    let shard = shards[shardNumber(number)]
    if shardNumber(number) == locked { return shard.contents.pointee.map.entry(inSlot: slot(number)) === entry }
    guard shard.mutex.tryLock() else { return false }
    defer { shard.unlock() }
    return shard.contents.pointee.map.entry(inSlot: slot(number)) === entry
  }
}

@usableFromInline
enum WriteKind: Sendable { case put, insert, update, remove }

extension StoreStatistics.Operations {
  @inlinable
  mutating func count<Key, Document>(_ kind: WriteKind, _ refusal: Store<Key, Document>.Refusal?) {
    switch refusal {
    case nil:
      switch kind {
      case .put: puts &+= 1
      case .insert: inserts &+= 1
      case .update: updates &+= 1
      case .remove: removes &+= 1
      }
    case .keyExists, .full, .logFailed: refusals &+= 1
    // A claim may turn out to be none.
    case .claimed, .nothingToRemove, .versionChanged: break
    }
  }
}
