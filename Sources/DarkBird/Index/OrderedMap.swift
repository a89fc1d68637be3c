/// An ordered map from keys to sets of documents: a B+tree with copy-on-write nodes.
///
/// A copy of the map is a snapshot: O(1) to take, unaffected by later changes to the original, which copies the nodes on
/// its path instead. So a query takes its snapshot under the index's lock and reads it at leisure.
///
/// Lookup, insertion and removal are O(log n). So is `count(from:to:)`, because inner nodes know how many documents their
/// subtrees have.
struct OrderedMap<Key: Comparable & Sendable, Value: OrderedMapValue>: Sendable {
  private var root = OrderedMapNode<Key, Value>(isLeaf: true)

  /// Documents under all keys.
  var count: Int { root.count }
  var isEmpty: Bool { root.count == 0 }

  /// Adds a document to the set under a key. Returns false if it was there.
  @discardableResult
  mutating func insert(_ key: Key, _ member: Value.Member) -> Bool {
    makeRootUnique()
    let isNew = root.insert(key, member)
    if root.keys.count > OrderedMapNode<Key, Value>.capacity {
      let right = root.split()
      let parent = OrderedMapNode<Key, Value>(isLeaf: false)
      parent.keys = [root.keys[0], right.keys[0]]
      parent.children = [root, right]
      parent.count = root.count + right.count
      root = parent
    }
    return isNew
  }

  /// Removes a document from the set under a key. Returns whether it was there.
  @discardableResult
  mutating func remove(_ key: Key, _ member: Value.Member) -> Bool {
    makeRootUnique()
    let wasThere = root.remove(key, member)
    while !root.isLeaf && root.children.count == 1 { root = root.children[0] }
    if root.count == 0 { root = OrderedMapNode(isLeaf: true) }
    return wasThere
  }

  private mutating func makeRootUnique() {
    if !isKnownUniquelyReferenced(&root) { root = root.copy() }
  }

  /// The set under a key; nil if it is empty.
  func value(_ key: Key) -> Value? {
    var node = root
    while !node.isLeaf { node = node.children[max(0, node.position(.after(key)) - 1)] }
    let index = node.position(.before(key))
    return index < node.keys.count && node.keys[index] == key ? node.value(index) : nil
  }

  /// How many documents lie before `bound`.
  func rank(_ bound: OrderedMapBound<Key>) -> Int {
    var node = root
    var rank = 0
    while !node.isLeaf {
      let child = max(0, node.position(bound) - 1)
      for sibling in node.children[..<child] { rank += sibling.count }
      node = node.children[child]
    }
    let position = node.position(bound)
    if Value.isTrivial { return rank + position }
    return node.values[..<position].reduce(rank) { $0 + $1.count }
  }

  func count(from lower: OrderedMapBound<Key>, to upper: OrderedMapBound<Key>) -> Int {
    max(0, rank(upper) - rank(lower))
  }

  /// Visits the keys between two bounds in ascending or descending order until `body` returns false.
  func visit(
    from lower: OrderedMapBound<Key>, to upper: OrderedMapBound<Key>, descending: Bool = false,
    _ body: (Key, Value) -> Bool
  ) {
    _ = descending ? root.visitDown(lower, upper, body) : root.visitUp(lower, upper, body)
  }

  var first: Key? {
    var found: Key?
    visit(from: .start, to: .end) { key, _ in
      found = key
      return false
    }
    return found
  }

  var last: Key? {
    var found: Key?
    visit(from: .start, to: .end, descending: true) { key, _ in
      found = key
      return false
    }
    return found
  }

  /// What is wrong with the structure; empty if it is sound.
  func structuralProblems() -> [String] {
    var problems: [String] = []
    _ = root.check(isRoot: true, &problems)
    return problems
  }
}

/// What an `OrderedMap` has under a key: a set of documents that is never empty.
protocol OrderedMapValue: Sendable {
  associatedtype Member
  /// The only value, if all are equal and none need be stored.
  static var trivial: Self? { get }
  init(_ member: Member)
  var count: Int { get }
  /// Returns false if the member was there.
  mutating func insert(_ member: Member) -> Bool
  /// What becomes of the set without a member.
  mutating func remove(_ member: Member) -> OrderedMapRemoval
}

extension OrderedMapValue {
  fileprivate static var isTrivial: Bool { trivial != nil }
}

enum OrderedMapRemoval { case notThere, removed, removedLast }

/// A place between keys.
enum OrderedMapBound<Key: Comparable & Sendable>: Sendable {
  case start
  case before(Key)
  case after(Key)
  case end

  /// Whether `key` lies on the left of this place.
  func isAbove(_ key: Key) -> Bool {
    switch self {
    case .start: false
    case .before(let bound): key < bound
    case .after(let bound): !(bound < key)
    case .end: true
    }
  }
}

/// A leaf holds keys and their values; an inner node holds children, and for each a key that is not above any key in it.
///
/// Unchecked: a node that two maps share is never changed (`isKnownUniquelyReferenced` decides), and a map is changed
/// only under its index's lock.
private final class OrderedMapNode<Key: Comparable & Sendable, Value: OrderedMapValue>: @unchecked Sendable {
  /// Keys in a node: about a kilobyte of them.
  static var capacity: Int { max(64, 1024 / MemoryLayout<Key>.stride) }

  let isLeaf: Bool
  var keys: ContiguousArray<Key> = []
  /// Of a leaf; empty if they are trivial.
  var values: ContiguousArray<Value> = []
  /// Of an inner node.
  var children: ContiguousArray<OrderedMapNode> = []
  /// Documents in this subtree.
  var count = 0

  init(isLeaf: Bool) { self.isLeaf = isLeaf }

  func copy() -> OrderedMapNode {
    let copy = OrderedMapNode(isLeaf: isLeaf)
    copy.keys = keys
    copy.values = values
    copy.children = children
    copy.count = count
    return copy
  }

  /// The value under the key at `index` of a leaf.
  func value(_ index: Int) -> Value { Value.trivial ?? values[index] }

  /// Index of the first key that is not on the left of `bound`.
  func position(_ bound: OrderedMapBound<Key>) -> Int {
    var low = 0
    var high = keys.count
    while low < high {
      let middle = (low + high) >> 1
      if bound.isAbove(keys[middle]) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  func uniqueChild(_ index: Int) -> OrderedMapNode {
    if !isKnownUniquelyReferenced(&children[index]) { children[index] = children[index].copy() }
    return children[index]
  }

  func insert(_ key: Key, _ member: Value.Member) -> Bool {
    if isLeaf {
      let index = position(.before(key))
      if index < keys.count && keys[index] == key {
        if Value.isTrivial || !values[index].insert(member) { return false }
      } else {
        keys.insert(key, at: index)
        if !Value.isTrivial { values.insert(Value(member), at: index) }
      }
      count += 1
      return true
    }
    let index = max(0, position(.after(key)) - 1)
    if key < keys[index] { keys[index] = key }
    let child = uniqueChild(index)
    let isNew = child.insert(key, member)
    if isNew { count += 1 }
    if child.keys.count > Self.capacity {
      let right = child.split()
      keys.insert(right.keys[0], at: index + 1)
      children.insert(right, at: index + 1)
    }
    return isNew
  }

  /// Moves the upper half of this node into a new right sibling.
  func split() -> OrderedMapNode {
    let right = OrderedMapNode(isLeaf: isLeaf)
    let middle = keys.count / 2
    right.keys = ContiguousArray(keys[middle...])
    keys.removeSubrange(middle...)
    if isLeaf {
      if !Value.isTrivial {
        right.values = ContiguousArray(values[middle...])
        values.removeSubrange(middle...)
      }
      right.count = Value.isTrivial ? right.keys.count : right.values.reduce(0) { $0 + $1.count }
    } else {
      right.children = ContiguousArray(children[middle...])
      children.removeSubrange(middle...)
      right.count = right.children.reduce(0) { $0 + $1.count }
    }
    count -= right.count
    return right
  }

  func remove(_ key: Key, _ member: Value.Member) -> Bool {
    if isLeaf {
      let index = position(.before(key))
      guard index < keys.count && keys[index] == key else { return false }
      switch Value.isTrivial ? .removedLast : values[index].remove(member) {
      case .notThere: return false
      case .removed: break
      case .removedLast:
        keys.remove(at: index)
        if !Value.isTrivial { values.remove(at: index) }
      }
      count -= 1
      return true
    }
    let index = position(.after(key)) - 1
    guard index >= 0 else { return false }
    let child = uniqueChild(index)
    guard child.remove(key, member) else { return false }
    count -= 1
    if child.keys.isEmpty {
      keys.remove(at: index)
      children.remove(at: index)
    } else if child.keys.count < Self.capacity / 4 {
      mergeChild(index)
    }
    return true
  }

  /// Joins a small child with a neighbour where both fit into one node with room to grow.
  private func mergeChild(_ index: Int) {
    let left = index + 1 < children.count ? index : index - 1
    guard left >= 0, left + 1 < children.count,
      children[left].keys.count + children[left + 1].keys.count <= Self.capacity * 3 / 4
    else { return }
    let target = uniqueChild(left)
    let source = children[left + 1]
    target.keys.append(contentsOf: source.keys)
    target.values.append(contentsOf: source.values)
    target.children.append(contentsOf: source.children)
    target.count += source.count
    keys.remove(at: left + 1)
    children.remove(at: left + 1)
  }

  func visitUp(
    _ lower: OrderedMapBound<Key>, _ upper: OrderedMapBound<Key>, _ body: (Key, Value) -> Bool
  ) -> Bool {
    var index = position(lower)
    if isLeaf {
      while index < keys.count && upper.isAbove(keys[index]) {
        if !body(keys[index], value(index)) { return false }
        index += 1
      }
      return index == keys.count
    }
    index = max(0, index - 1)
    while index < children.count && (index == 0 || upper.isAbove(keys[index])) {
      if !children[index].visitUp(lower, upper, body) { return false }
      index += 1
    }
    return index == children.count
  }

  func visitDown(
    _ lower: OrderedMapBound<Key>, _ upper: OrderedMapBound<Key>, _ body: (Key, Value) -> Bool
  ) -> Bool {
    var index = position(upper) - 1
    if isLeaf {
      while index >= 0 && !lower.isAbove(keys[index]) {
        if !body(keys[index], value(index)) { return false }
        index -= 1
      }
      return index < 0
    }
    index = max(0, index)
    while index >= 0 {
      if !children[index].visitDown(lower, upper, body) { return false }
      if lower.isAbove(keys[index]) { return false }
      index -= 1
    }
    return true
  }

  func check(isRoot: Bool, _ problems: inout [String]) -> (first: Key, last: Key)? {
    for (left, right) in zip(keys, keys.dropFirst()) where !(left < right) { problems.append("keys out of order") }
    if keys.count > Self.capacity { problems.append("a node of \(keys.count) keys") }
    if isLeaf {
      let documents = Value.isTrivial ? keys.count : values.reduce(0) { $0 + $1.count }
      if count != documents || values.count != (Value.isTrivial ? 0 : keys.count) {
        problems.append("leaf counts differ")
      }
      if values.contains(where: { $0.count == 0 }) { problems.append("an empty set") }
      return keys.isEmpty ? nil : (keys[0], keys[keys.count - 1])
    }
    if keys.count != children.count { problems.append("\(keys.count) keys for \(children.count) children") }
    if count != children.reduce(0, { $0 + $1.count }) { problems.append("subtree count differs") }
    var bounds: (first: Key, last: Key)?
    for (key, child) in zip(keys, children) {
      guard let inner = child.check(isRoot: false, &problems) else {
        problems.append("an empty node")
        continue
      }
      if inner.first < key { problems.append("a key below its separator") }
      if let last = bounds?.last, !(last < inner.first) { problems.append("subtrees overlap") }
      bounds = (bounds?.first ?? inner.first, inner.last)
    }
    return bounds
  }
}
