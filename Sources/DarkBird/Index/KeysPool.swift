import Synchronization

/// Memory of `IndexKeys` that writes use one after the other: to allocate and free it takes longer than to fill it.
///
/// A few places, each with a word that says whether keys are there; a thread looks into one that mostly no other thread looks
/// into, chosen by where its stack is.
///
/// Unsafe corner: the places are allocated for as long as this object lives.
///
/// Unchecked: keys are only touched by the thread that has set the word of their place to `busy`.
@usableFromInline
final class KeysPool: @unchecked Sendable {
  private static let placeBits = 4
  private static let places = 1 << placeBits
  private static let placeBytes = 64
  private static let empty: UInt32 = 0
  private static let full: UInt32 = 1
  private static let busy: UInt32 = 2

  private let memory: UnsafeMutableRawPointer

  init() {
    memory = .allocate(byteCount: Self.places * Self.placeBytes, alignment: Self.placeBytes)
    for place in 0..<Self.places {
      let start = memory + place * Self.placeBytes
      start.bindMemory(to: Atomic<UInt32>.self, capacity: 1).initialize(to: Atomic(Self.empty))
      (start + 8).bindMemory(to: IndexKeys.self, capacity: 1).initialize(to: IndexKeys())
    }
  }

  deinit {
    for place in 0..<Self.places {
      (memory + place * Self.placeBytes + 8).assumingMemoryBound(to: IndexKeys.self).deinitialize(count: 1)
    }
    memory.deallocate()
  }

  private func place() -> (word: UnsafeMutablePointer<Atomic<UInt32>>, keys: UnsafeMutablePointer<IndexKeys>) {
    let start = memory + threadPlace(bits: Self.placeBits) * Self.placeBytes
    return (
      start.assumingMemoryBound(to: Atomic<UInt32>.self), (start + 8).assumingMemoryBound(to: IndexKeys.self)
    )
  }

  /// Empty keys, with memory if there is some.
  @usableFromInline
  func take() -> IndexKeys {
    let (word, keys) = place()
    var taken = IndexKeys()
    if word.pointee.compareExchange(expected: Self.full, desired: Self.busy, ordering: .acquiring).exchanged {
      swap(&taken, &keys.pointee)
      word.pointee.store(Self.empty, ordering: .releasing)
    }
    return taken
  }

  /// Takes the memory of keys that have served.
  @usableFromInline
  func give(_ used: consuming IndexKeys) {
    used.removeAll()
    let (word, keys) = place()
    if word.pointee.compareExchange(expected: Self.empty, desired: Self.busy, ordering: .acquiring).exchanged {
      swap(&used, &keys.pointee)
      word.pointee.store(Self.full, ordering: .releasing)
    }
  }
}
