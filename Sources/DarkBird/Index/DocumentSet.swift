/// A set of documents, in the order of their numbers. A copy is a snapshot: O(1) to take, unaffected by later changes to the
/// original.
///
/// One document takes no memory besides the set itself, for most values of a field such as a time stamp have one. More are
/// in sorted chunks, which grow with their number: a large set of n documents has about √n/4 chunks of 4√n. So the change of a
/// set that a snapshot shares copies O(√n), and any other change moves O(√n) bytes at most; numbers that come in ascending
/// order only touch the end of the last chunk.
struct DocumentSet: Sendable {
  private enum Storage: Sendable {
    case one(DocumentNumber)
    case chunk(NumberChunk)
    case chunks(NumberChunks)
  }

  private var storage: Storage?

  /// The empty set.
  init() {}

  init(_ number: DocumentNumber) { storage = .one(number) }

  var count: Int {
    switch storage {
    case nil: 0
    case .one: 1
    case .chunk(let chunk): chunk.count
    case .chunks(let chunks): chunks.count
    }
  }

  var isEmpty: Bool { storage == nil }

  /// O(log n).
  func contains(_ number: DocumentNumber) -> Bool {
    switch storage {
    case nil: false
    case .one(let only): only == number
    case .chunk(let chunk): chunk.contains(number)
    case .chunks(let chunks): chunks.all[chunks.index(of: number)].contains(number)
    }
  }

  /// Adds a number; returns false if it was there.
  mutating func insert(_ number: DocumentNumber) -> Bool {
    switch storage {
    case nil:
      storage = .one(number)
      return true
    case .one(let only):
      if only == number { return false }
      storage = .chunk(NumberChunk(min(only, number), max(only, number)))
      return true
    case .chunk(var chunk):
      storage = nil  // so that `chunk` is the only reference, and inserting copies nothing
      let isNew = NumberChunk.insert(number, into: &chunk)
      if chunk.count < NumberChunks.limit(1) {
        storage = .chunk(chunk)
      } else {
        storage = .chunks(NumberChunks(splitting: chunk))
      }
      return isNew
    case .chunks(var chunks):
      storage = nil
      defer { storage = .chunks(chunks) }
      return chunks.insert(number)
    }
  }

  /// Adds numbers, one or more in ascending order without repetition, and returns how many of them were not there. The cost
  /// is that of a copy where they all lie above the numbers that are there, as most do.
  mutating func insert(_ run: UnsafeBufferPointer<DocumentNumber>) -> Int {
    if run.count == 1 { return insert(run[0]) ? 1 : 0 }
    let before = count
    switch storage {
    case nil: storage = .chunk(NumberChunk(run[..<1]))
    case .one(let only): storage = .chunk(NumberChunk(CollectionOfOne(only)))
    case .chunk, .chunks: break
    }
    if case .chunk(var chunk) = storage {
      storage = nil
      if chunk.count + run.count < NumberChunks.limit(1) {
        NumberChunk.insert(run, into: &chunk)
        storage = .chunk(chunk)
      } else {
        storage = .chunks(NumberChunks(splitting: chunk))
      }
    }
    if case .chunks(var chunks) = storage {
      storage = nil
      chunks.insert(run)
      storage = .chunks(chunks)
    }
    return count - before
  }

  /// Returns whether the number was there.
  mutating func remove(_ number: DocumentNumber) -> Bool {
    switch storage {
    case nil: return false
    case .one(let only):
      if only != number { return false }
      storage = nil
      return true
    case .chunk(var chunk):
      storage = nil
      let wasThere = NumberChunk.remove(number, from: &chunk)
      storage = chunk.count == 0 ? nil : .chunk(chunk)
      return wasThere
    case .chunks(var chunks):
      storage = nil
      let wasThere = chunks.remove(number)
      storage = chunks.count == 0 ? nil : .chunks(chunks)
      return wasThere
    }
  }

  /// Visits the numbers after (or before) `number` in ascending (or descending) order until `body` returns false. Returns
  /// false if `body` did.
  @discardableResult
  func visit(
    after number: DocumentNumber? = nil, descending: Bool = false, _ body: (DocumentNumber) -> Bool
  ) -> Bool {
    switch storage {
    case nil: return true
    case .one(let only):
      if let number, descending ? only >= number : only <= number { return true }
      return body(only)
    case .chunk(let chunk): return chunk.visit(after: number, descending: descending, body)
    case .chunks(let chunks):
      let first = number.map(chunks.index) ?? (descending ? chunks.all.count - 1 : 0)
      let last = descending ? 0 : chunks.all.count - 1
      for index in stride(from: first, through: last, by: descending ? -1 : 1)
      where !chunks.all[index].visit(after: number, descending: descending, body) { return false }
      return true
    }
  }

  /// Appends the numbers after `number` in ascending order to others, until those are `limit`.
  func append(after number: DocumentNumber?, limit: Int, to numbers: inout ContiguousArray<DocumentNumber>) {
    switch storage {
    case nil: break
    case .one(let only): if number.map({ only > $0 }) ?? true, numbers.count < limit { numbers.append(only) }
    case .chunk(let chunk): chunk.append(after: number, limit: limit, to: &numbers)
    case .chunks(let chunks):
      for index in (number.map(chunks.index) ?? 0)..<chunks.all.count where numbers.count < limit {
        chunks.all[index].append(after: number, limit: limit, to: &numbers)
      }
    }
  }

  /// What is wrong with the structure; empty if it is sound.
  func structuralProblems() -> [String] {
    switch storage {
    case nil, .one: return []
    case .chunk(let chunk): return chunk.isSound ? [] : ["a chunk out of order"]
    case .chunks(let chunks): return chunks.isSound ? [] : ["chunks out of order"]
    }
  }
}
