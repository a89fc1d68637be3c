public import Synchronization

/// Lists to which writes append what they change, and which others take away as a whole: a few lanes, of which a write takes
/// one that no other write has, mostly the one that its thread had before. So what it tells costs it no memory that another
/// processor has written to.
///
/// Why nothing is missed: a write locks its lane before it gets its LSN, and gives it back after it has appended. Whoever reads
/// the last LSN, the cut, and locks all lanes then, one after the other, so waits for all writes up to the cut that are not
/// done. A lane that is free and empty after the cut was read needs no lock: a write up to the cut had locked it before, and so
/// is done with it, or its change is counted. What is found there beyond the cut is to be held for the next time: it may lack
/// changes of other lanes that came before.
///
/// Within a lane changes are in the order of their LSNs, and those of one batch are together, for both happen under its lock.
///
/// Locks are taken in this order: shards, stripes of unique values, a lane, those of the log.
///
/// Unsafe corner: lanes are allocated for as long as this object lives, each with cache lines of its own.
///
/// Unchecked: a list is only touched under the lock of its lane.
@usableFromInline
final class ChangeLanes<Key: DocumentKey, Document: DarkBird.Document>: @unchecked Sendable {
  @usableFromInline typealias List = ChangeList<Key, Document>

  /// A lane that is locked.
  @usableFromInline
  struct Lane {
    @usableFromInline let lock: LockWord
    /// Changes in the list, for those who have not locked it.
    @usableFromInline let count: UnsafeMutablePointer<Atomic<Int>>
    @usableFromInline let list: UnsafeMutablePointer<List>

    @inlinable
    init(_ start: UnsafeMutableRawPointer) {
      lock = LockWord(start.assumingMemoryBound(to: Atomic<UInt32>.self))
      count = (start + 8).assumingMemoryBound(to: Atomic<Int>.self)
      list = (start + 16).assumingMemoryBound(to: List.self)
    }

    /// Whether nobody has it and nothing is in it, as of the last LSN that the caller has read.
    @inlinable
    var isIdle: Bool {
      lock.word.pointee.load(ordering: .acquiring) == LockWord.free && count.pointee.load(ordering: .relaxed) == 0
    }
  }

  @usableFromInline static var countBits: Int { 4 }
  @usableFromInline static var count: Int { 1 << countBits }
  // Processors fetch cache lines in pairs.
  @usableFromInline static var stride: Int { 128 }

  @usableFromInline let memory: UnsafeMutableRawPointer

  @inlinable
  init() {
    precondition(16 + MemoryLayout<List>.size <= Self.stride)
    memory = .allocate(byteCount: Self.count * Self.stride, alignment: Self.stride)
    for number in 0..<Self.count {
      let start = memory + number * Self.stride
      start.bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 8).bindMemory(to: Atomic<Int>.self, capacity: 1).initialize(to: Atomic(0))
      (start + 16).bindMemory(to: List.self, capacity: 1).initialize(to: List())
    }
  }

  @inlinable
  deinit {
    for number in 0..<Self.count { lane(number).list.deinitialize(count: 1) }
    memory.deallocate()
  }

  @inlinable
  func lane(_ number: Int) -> Lane { Lane(memory + number &* Self.stride) }

  /// Locks a lane: to be called before a write gets its LSN.
  @inlinable
  func lock() -> Lane {
    let first = threadPlace(bits: Self.countBits)
    for step in 0..<Self.count {
      let lane = lane((first &+ step) % Self.count)
      if lane.lock.tryLock() { return lane }
    }
    let lane = lane(first)
    lane.lock.lock()
    return lane
  }

  /// Takes what is in the lanes, each under its lock.
  @inlinable
  func take(_ body: (consuming List) -> Void) {
    for number in 0..<Self.count {
      let lane = lane(number)
      if lane.isIdle { continue }
      var taken = List()
      if planted(.writersNotAwaited) {
        if !lane.lock.tryLock() { continue }
      } else {
        lane.lock.lock()
      }
      swap(&taken, &lane.list.pointee)
      lane.count.pointee.store(0, ordering: .relaxed)
      lane.lock.unlock()
      if !taken.isEmpty { body(taken) }
    }
  }
}
