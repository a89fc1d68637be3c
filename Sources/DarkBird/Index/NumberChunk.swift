/// Chunks that follow each other, none of them empty.
struct NumberChunks: Sendable {
  private(set) var all: ContiguousArray<NumberChunk>
  /// The first number of each chunk.
  private var firsts: ContiguousArray<DocumentNumber>
  private(set) var count: Int

  /// The most numbers in a chunk where there are this many chunks.
  static func limit(_ chunks: Int) -> Int { max(2_048, 16 * chunks) }

  init(splitting chunk: NumberChunk) {
    count = chunk.count
    all = [chunk]
    firsts = [chunk.first]
    all.willBeShared()
    firsts.willBeShared()
    splitIfFull(0)
  }

  /// The chunk in which a number is or would be.
  func index(of number: DocumentNumber) -> Int {
    var low = 0
    var high = firsts.count
    if number >= firsts[high - 1] { return high - 1 }
    while low < high {
      let middle = (low + high) >> 1
      if firsts[middle] <= number { low = middle + 1 } else { high = middle }
    }
    return max(0, low - 1)
  }

  mutating func insert(_ number: DocumentNumber) -> Bool {
    all.willChange()
    firsts.willChange()
    let index = index(of: number)
    if !NumberChunk.insert(number, into: &all[index]) { return false }
    count += 1
    if number < firsts[index] { firsts[index] = number }
    splitIfFull(index)
    return true
  }

  mutating func insert(_ run: UnsafeBufferPointer<DocumentNumber>) {
    all.willChange()
    firsts.willChange()
    var rest = run[...]
    while let first = rest.first {
      let index = index(of: first)
      let before = all[index].count
      // What belongs into this chunk, as long as there is room.
      let room = max(1, Self.limit(all.count) - before)
      var piece = rest.prefix(room)
      if index + 1 < firsts.count { piece = piece[..<piece.lowerBound(firsts[index + 1])] }
      rest = rest[piece.endIndex...]
      NumberChunk.insert(UnsafeBufferPointer(rebasing: piece), into: &all[index])
      count += all[index].count - before
      if first < firsts[index] { firsts[index] = first }
      splitIfFull(index)
    }
  }

  private mutating func splitIfFull(_ index: Int) {
    let chunk = all[index]
    if chunk.count < Self.limit(all.count) { return }
    // Numbers that come in ascending order leave full chunks behind.
    let isLast = index == all.count - 1
    let middle = isLast ? chunk.count - 1 : chunk.count / 2
    all[index] = NumberChunk(chunk, 0..<middle)
    all.insert(NumberChunk(chunk, middle..<chunk.count), at: index + 1)
    firsts.insert(all[index + 1].first, at: index + 1)
  }

  mutating func remove(_ number: DocumentNumber) -> Bool {
    all.willChange()
    firsts.willChange()
    let index = index(of: number)
    if !NumberChunk.remove(number, from: &all[index]) { return false }
    count -= 1
    if all[index].count == 0 {
      all.remove(at: index)
      firsts.remove(at: index)
    } else {
      firsts[index] = all[index].first
      joinWithNext(index)
      if index > 0 { joinWithNext(index - 1) }
    }
    return true
  }

  /// Joins a chunk with the next one where both fill less than half of one.
  private mutating func joinWithNext(_ index: Int) {
    guard index + 1 < all.count, all[index].count + all[index + 1].count < Self.limit(all.count) / 2 else { return }
    all[index] = NumberChunk(all[index], all[index + 1])
    all.remove(at: index + 1)
    firsts.remove(at: index + 1)
  }

  var isSound: Bool {
    all.allSatisfy { $0.isSound && $0.count > 0 } && count == all.reduce(0) { $0 + $1.count }
      && zip(all, all.dropFirst()).allSatisfy { $0.last < $1.first } && Array(firsts) == all.map(\.first)
  }
}

/// Sorted numbers without repetition, in one piece of memory.
///
/// Unsafe corner: there is room for `capacity` numbers, of which `count` are initialized; every index comes from a search that
/// compares it with `count`.
///
/// Unchecked: a chunk that two sets share is never changed (`isKnownUniquelyReferenced` decides), and a set is changed only
/// under its index's lock.
final class NumberChunk: @unchecked Sendable {
  @exclusivity(unchecked) private(set) var count: Int
  @exclusivity(unchecked) private var capacity: Int
  @exclusivity(unchecked) private var numbers: UnsafeMutablePointer<DocumentNumber>
  /// The last number, if there is one: beside `count`, so that appending waits for one piece of memory only.
  @exclusivity(unchecked) private(set) var last: DocumentNumber = 0

  private init(count: Int, capacity: Int) {
    self.count = count
    self.capacity = capacity
    numbers = .allocate(capacity: capacity)
    willBeShared(self)
  }

  deinit { numbers.deallocate() }

  convenience init(_ first: DocumentNumber, _ second: DocumentNumber) {
    self.init(count: 2, capacity: 4)
    numbers[0] = first
    numbers[1] = second
    last = second
  }

  /// One number or more, in ascending order, with some room to grow.
  convenience init(_ first: some Collection<DocumentNumber>) {
    self.init(count: first.count, capacity: first.count + 3)
    for (index, number) in first.enumerated() { numbers[index] = number }
    last = numbers[count - 1]
  }

  /// A part of another chunk, with some room to grow.
  convenience init(_ other: NumberChunk, _ range: Range<Int>) {
    self.init(count: range.count, capacity: range.count < other.count ? max(8, range.count) : range.count + 8)
    numbers.update(from: other.numbers + range.lowerBound, count: range.count)
    last = range.upperBound == other.count ? other.last : numbers[max(0, count - 1)]
  }

  convenience init(_ left: NumberChunk, _ right: NumberChunk) {
    self.init(count: left.count + right.count, capacity: left.count + right.count + 8)
    numbers.update(from: left.numbers, count: left.count)
    (numbers + left.count).update(from: right.numbers, count: right.count)
    last = right.last
  }

  var first: DocumentNumber { numbers[0] }

  /// Index of the first number that is not below `number`. Looks from the end in growing steps first, for most numbers come
  /// almost in ascending order.
  private func index(_ number: DocumentNumber) -> Int {
    if count == 0 || number > last { return count }
    var high = count - 1
    var step = 1
    while step <= high && numbers[high - step] >= number {
      high -= step
      step *= 2
    }
    var low = step <= high ? high - step + 1 : 0
    while low < high {
      let middle = (low + high) >> 1
      if numbers[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func contains(_ number: DocumentNumber) -> Bool {
    let index = index(number)
    return index < count && numbers[index] == number
  }

  static func insert(_ number: DocumentNumber, into chunk: inout NumberChunk) -> Bool {
    let index = chunk.index(number)
    let count = chunk.count
    if index < count && chunk.numbers[index] == number { return false }
    if !isUnshared(&chunk), !planted(.sharedChunkChanged) { chunk = NumberChunk(chunk, 0..<count) }
    if count == chunk.capacity { chunk.grow(count + 1) }
    let numbers = chunk.numbers
    if index < count { (numbers + index + 1).update(from: numbers + index, count: count - index) }
    numbers[index] = number
    chunk.count = count + 1
    if index == count { chunk.last = number }
    return true
  }

  /// Adds numbers in ascending order, of which some may be there.
  static func insert(_ run: UnsafeBufferPointer<DocumentNumber>, into chunk: inout NumberChunk) {
    guard let first = run.first, let start = run.baseAddress else { return }
    if !isUnshared(&chunk), !planted(.sharedChunkChanged) { chunk = NumberChunk(chunk, 0..<chunk.count) }
    let count = chunk.count
    if count + run.count > chunk.capacity { chunk.grow(count + run.count) }
    let index = chunk.index(first)
    if index == count {
      (chunk.numbers + count).update(from: start, count: run.count)
      chunk.count = count + run.count
      chunk.last = run[run.count - 1]
      return
    }
    // Merges with what lies above the first one, which makes way: the end of it to the end of the memory. What is written never
    // overtakes what is yet to be read, for behind the place of either there is room for all that is left of the run.
    let above = count - index
    let moved = chunk.numbers + chunk.capacity - above
    moved.update(from: chunk.numbers + index, count: above)
    var (target, next, taken) = (chunk.numbers + index, 0, 0)
    while next < above && taken < run.count {
      let (left, right) = (moved[next], run[taken])
      target.pointee = min(left, right)
      target += 1
      if left <= right { next += 1 }
      if right <= left { taken += 1 }
    }
    target.update(from: moved + next, count: above - next)
    target += above - next
    target.update(from: start + taken, count: run.count - taken)
    chunk.count = target + (run.count - taken) - chunk.numbers
    chunk.last = chunk.numbers[chunk.count - 1]
  }

  private func grow(_ needed: Int) {
    // By an eighth only: most of the memory of an index is in chunks.
    capacity = needed + max(4, needed / 8)
    let grown = UnsafeMutablePointer<DocumentNumber>.allocate(capacity: capacity)
    grown.update(from: numbers, count: count)
    numbers.deallocate()
    numbers = grown
  }

  static func remove(_ number: DocumentNumber, from chunk: inout NumberChunk) -> Bool {
    let index = chunk.index(number)
    if index == chunk.count || chunk.numbers[index] != number { return false }
    if !isUnshared(&chunk) { chunk = NumberChunk(chunk, 0..<chunk.count) }
    (chunk.numbers + index).update(from: chunk.numbers + index + 1, count: chunk.count - index - 1)
    chunk.count -= 1
    if index == chunk.count && index > 0 { chunk.last = chunk.numbers[index - 1] }
    return true
  }

  func visit(after number: DocumentNumber?, descending: Bool, _ body: (DocumentNumber) -> Bool) -> Bool {
    if descending {
      var index = number.map(index) ?? count
      while index > 0 {
        index -= 1
        if !body(numbers[index]) { return false }
      }
    } else {
      var index = number.map { $0 == .max ? count : self.index($0 + 1) } ?? 0
      while index < count {
        if !body(numbers[index]) { return false }
        index += 1
      }
    }
    return true
  }

  func append(after number: DocumentNumber?, limit: Int, to others: inout ContiguousArray<DocumentNumber>) {
    let first = number.map { $0 == .max ? count : index($0 + 1) } ?? 0
    let length = max(0, min(count - first, limit - others.count))
    others.append(contentsOf: UnsafeBufferPointer(start: numbers + first, count: length))
  }

  var isSound: Bool {
    count <= capacity && (1..<max(1, count)).allSatisfy { numbers[$0 - 1] < numbers[$0] }
      && (count == 0 || last == numbers[count - 1])
  }
}

extension Slice<UnsafeBufferPointer<DocumentNumber>> {
  /// Index of the first number that is not below `number`.
  fileprivate func lowerBound(_ number: DocumentNumber) -> Int {
    var (low, high) = (startIndex, endIndex)
    while low < high {
      let middle = (low + high) >> 1
      if self[middle] < number { low = middle + 1 } else { high = middle }
    }
    return low
  }
}
