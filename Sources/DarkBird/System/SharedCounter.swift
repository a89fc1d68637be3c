public import Synchronization

/// A counter that all writers change, with cache lines to itself: what lies beside it would have to be fetched anew by every
/// processor after each change.
///
/// Unsafe corner: a word at a fixed address, allocated for as long as this is there.
///
/// Unchecked: the word is atomic.
@usableFromInline
struct SharedCounter: ~Copyable, @unchecked Sendable {
  @usableFromInline let word: UnsafeMutablePointer<Atomic<UInt64>>

  @usableFromInline
  init(_ value: UInt64) {
    word = UnsafeMutableRawPointer.allocate(byteCount: 128, alignment: 128)
      .bindMemory(to: Atomic<UInt64>.self, capacity: 1)
    word.initialize(to: Atomic(value))
  }

  @usableFromInline
  deinit {
    word.deinitialize(count: 1)
    UnsafeMutableRawPointer(word).deallocate()
  }

  @inlinable
  var value: UInt64 { word.pointee.load(ordering: .acquiring) }

  /// A reference to a counter, whose owner keeps it as long as anyone may use this.
  struct Reference: @unchecked Sendable {
    fileprivate let word: UnsafeMutablePointer<Atomic<UInt64>>

    var value: UInt64 { word.pointee.load(ordering: .acquiring) }
  }

  var reference: Reference { Reference(word: word) }

  /// Counts, and returns the new value. What a thread did before it counted is seen by those that count later.
  @inlinable @inline(__always)
  func next() -> UInt64 { word.pointee.wrappingAdd(1, ordering: .acquiringAndReleasing).newValue }
}
