public import CDarkBird
public import Synchronization

/// Where the words of a table are, for those who do not hold its lock: to have the processor fetch a word, which takes longer
/// than all else that a write does, while the thread prepares the rest; and for lookups that take no lock.
///
/// Kept apart from the table, in memory that is only written when a table moves. Outdated values cost a useless fetch: the
/// processor ignores addresses that are not there.
///
/// Unsafe corner: refers to memory of `TableHints`.
@usableFromInline
struct TableHint: @unchecked Sendable {
  @usableFromInline let address: UnsafeMutablePointer<Atomic<UInt>>
  @usableFromInline let capacity: UnsafeMutablePointer<Atomic<Int>>

  @inlinable @inline(__always)
  init(_ memory: UnsafeMutableRawPointer) {
    address = memory.assumingMemoryBound(to: Atomic<UInt>.self)
    capacity = (memory + 8).assumingMemoryBound(to: Atomic<Int>.self)
  }

  /// - Parameter window: how many words from the index on will be looked at.
  @inlinable @inline(__always)
  func prefetch(window: Int, _ index: (_ capacity: Int) -> Int) {
    let start = address.pointee.load(ordering: .relaxed)
    let index = index(capacity.pointee.load(ordering: .relaxed))
    guard let word = UnsafeRawPointer(bitPattern: start &+ UInt(bitPattern: index &* 8)) else { return }
    db_prefetch_line(word)
    db_prefetch_line(word + (window &- 1) &* 8)
  }

  /// The same for a word that is going to be changed.
  @inlinable @inline(__always)
  func prefetchForChange(_ index: (_ capacity: Int) -> Int) {
    let start = address.pointee.load(ordering: .relaxed)
    let index = index(capacity.pointee.load(ordering: .relaxed))
    if let word = UnsafeRawPointer(bitPattern: start &+ UInt(bitPattern: index &* 8)) { db_prefetch_to_write(word) }
  }

  /// Whether it tells of these words: there is nothing to update then.
  @inlinable @inline(__always)
  func isOf(_ words: UnsafeMutablePointer<UInt64>) -> Bool {
    address.pointee.load(ordering: .relaxed) == UInt(bitPattern: words)
  }

  /// The words, for readers that the table waits for.
  @inlinable @inline(__always)
  var words: UnsafeMutablePointer<UInt64>? {
    UnsafeMutablePointer(bitPattern: address.pointee.load(ordering: .acquiring))
  }

  /// To be called after a table changed, under its lock. Returns memory that the table has left, for which readers without a
  /// lock may still have to be waited for.
  @inlinable @inline(__always)
  func update<Word>(_ table: WordTable<Word>) -> WordMemory? {
    let start = UInt(bitPattern: table.words)
    if address.pointee.load(ordering: .relaxed) == start { return nil }
    address.pointee.store(start, ordering: .releasing)
    capacity.pointee.store(table.capacity, ordering: .relaxed)
    defer { table.memory.previous = nil }
    return table.memory.previous
  }
}

/// The hints of several tables.
///
/// Unchecked: everything is atomic.
@usableFromInline
final class TableHints: @unchecked Sendable {
  @usableFromInline let memory: UnsafeMutableRawPointer
  private let count: Int

  init(count: Int) {
    self.count = count
    memory = .allocate(byteCount: max(1, count) * 16, alignment: 64)
    for number in 0..<count {
      (memory + number * 16).bindMemory(to: Atomic<UInt>.self, capacity: 1).initialize(to: Atomic(0))
      (memory + number * 16 + 8).bindMemory(to: Atomic<Int>.self, capacity: 1).initialize(to: Atomic(0))
    }
  }

  deinit { memory.deallocate() }

  @inlinable @inline(__always)
  subscript(number: Int) -> TableHint { TableHint(memory + number &* 16) }
}
