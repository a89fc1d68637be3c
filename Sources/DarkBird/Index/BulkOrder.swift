/// One change of a set of documents, among many that are sorted to be made set by set.
struct BulkItem {
  /// Of the set.
  let key: UInt64
  /// The document's number, and in the lowest bit whether it is a removal.
  private let change: UInt64

  @inline(__always)
  init(key: UInt64, _ number: DocumentNumber, isRemoval: Bool) {
    self.key = key
    change = UInt64(number) << 1 | (isRemoval ? 1 : 0)
  }

  @inline(__always) var number: DocumentNumber { DocumentNumber(truncatingIfNeeded: change >> 1) }
  @inline(__always) var isRemoval: Bool { change & 1 == 1 }
}

/// Changes of many sets of documents, in the order of their keys, of the documents' numbers, and then as they came: a radix
/// sort, which looks at as many bits as differ.
struct BulkOrder: ~Copyable {
  private var items: UnsafeMutableBufferPointer<BulkItem>
  private var spare: UnsafeMutableBufferPointer<BulkItem>
  private var count = 0

  /// Unsafe corner: `items` has room for `capacity` items, of which `count` are initialized; all are trivial.
  init(capacity: Int) {
    items = .allocate(capacity: capacity)
    spare = .allocate(capacity: capacity)
  }

  deinit {
    items.deallocate()
    spare.deallocate()
  }

  @inline(__always)
  mutating func append(_ item: BulkItem) {
    precondition(count < items.count)
    items[count] = item
    count += 1
  }

  mutating func sort() {
    guard count > 1 else { return }
    var (least, most) = (items[0].number, items[0].number)
    var (leastKey, mostKey) = (items[0].key, items[0].key)
    for index in 1..<count {
      least = min(least, items[index].number)
      most = max(most, items[index].number)
      leastKey = min(leastKey, items[index].key)
      mostKey = max(mostKey, items[index].key)
    }
    pass(bits: 32 - (most - least).leadingZeroBitCount) { UInt64($0.number - least) }
    pass(bits: 64 - (mostKey - leastKey).leadingZeroBitCount) { $0.key - leastKey }
  }

  /// Sorts by the lowest bits of what `digits` returns, stably, some of them at a time.
  @inline(__always)
  private mutating func pass(bits: Int, _ digits: (BulkItem) -> UInt64) {
    let widest = count < 1_024 ? 6 : 11
    let passes = (bits + widest - 1) / widest
    for pass in 0..<passes {
      // Bits dealt out evenly.
      let (low, high) = (bits * pass / passes, bits * (pass + 1) / passes)
      let mask = UInt64(1) << (high - low) - 1
      withUnsafeTemporaryAllocation(of: Int32.self, capacity: 1 << (high - low)) { starts in
        starts.initialize(repeating: 0)
        for index in 0..<count { starts[Int(digits(items[index]) >> low & mask)] += 1 }
        var sum: Int32 = 0
        for digit in starts.indices { (starts[digit], sum) = (sum, sum + starts[digit]) }
        for index in 0..<count {
          let digit = Int(digits(items[index]) >> low & mask)
          spare[Int(starts[digit])] = items[index]
          starts[digit] += 1
        }
      }
      swap(&items, &spare)
    }
  }

  /// Calls `body` for each set with the documents that are in it after all changes, and those that are not, in ascending order.
  func forEachSet(
    _ body: (
      _ key: UInt64, _ inserted: UnsafeBufferPointer<DocumentNumber>, _ removed: UnsafeBufferPointer<DocumentNumber>
    ) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: DocumentNumber.self, capacity: 2 * count) { numbers in
      var index = 0
      while index < count {
        let key = items[index].key
        var (inserted, removed) = (0, 0)
        while index < count, items[index].key == key {
          let item = items[index]
          index += 1
          // Of several changes the last one counts.
          if index < count, items[index].key == key, items[index].number == item.number { continue }
          if item.isRemoval {
            numbers[count + removed] = item.number
            removed += 1
          } else {
            numbers[inserted] = item.number
            inserted += 1
          }
        }
        body(
          key, UnsafeBufferPointer(rebasing: numbers[..<inserted]),
          UnsafeBufferPointer(rebasing: numbers[count..<count + removed]))
      }
    }
  }
}
