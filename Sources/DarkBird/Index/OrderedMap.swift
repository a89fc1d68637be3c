/// An ordered map from keys to sets of documents: a B+tree with copy-on-write nodes.
///
/// A copy of the map is a snapshot: O(1) to take, unaffected by later changes to the original, which copies the nodes on
/// its path instead. So a query takes its snapshot under the index's lock and reads it at leisure.
///
/// Lookup, insertion and removal are O(log n). So is `count(from:to:)`, because inner nodes know how many documents their
/// subtrees have.
struct OrderedMap<Key: Comparable & Sendable>: Sendable {
  private var root = OrderedMapNode<Key>(isLeaf: true)
  #if DARKBIRD_THREAD_SANITIZER
    /// What is a reference and nothing else is let go of by the runtime's own code, which the sanitizer does not see.
    private var another: UInt8 = 0
  #endif

  /// Documents under all keys.
  var count: Int { root.count }
  var isEmpty: Bool { root.count == 0 }

  /// Adds a document to the set under a key. Returns false if it was there.
  @discardableResult
  mutating func insert(_ key: Key, _ member: DocumentNumber) -> Bool {
    withUnsafePointer(to: member) { insert(key, UnsafeBufferPointer(start: $0, count: 1)) == 1 }
  }

  /// Adds documents, one or more in ascending order, to the set under a key. Returns how many of them were not there.
  @discardableResult
  mutating func insert(_ key: Key, _ members: UnsafeBufferPointer<DocumentNumber>) -> Int {
    makeRootUnique()
    let added = root.insert(key, members)
    if root.keys.count > OrderedMapNode<Key>.capacity {
      let right = root.split(isAscending: root.keys[root.keys.count - 1] == key)
      let parent = OrderedMapNode<Key>(isLeaf: false)
      parent.keys = [root.keys[0], right.keys[0]]
      parent.children = [root, right]
      parent.count = root.count + right.count
      root = parent
    }
    return added
  }

  /// Removes a document from the set under a key. Returns whether it was there.
  @discardableResult
  mutating func remove(_ key: Key, _ member: DocumentNumber) -> Bool {
    makeRootUnique()
    let wasThere = root.remove(key, member)
    while !root.isLeaf && root.children.count == 1 { root = root.children[0] }
    if root.count == 0 { root = OrderedMapNode(isLeaf: true) }
    return wasThere
  }

  private mutating func makeRootUnique() {
    if !isUnshared(&root) { root = root.copy() }
    root.willChange()
  }

  /// The set under a key; nil if it is empty.
  func value(_ key: Key) -> DocumentSet? {
    var node = root
    while !node.isLeaf { node = node.children[max(0, node.position(.after(key)) - 1)] }
    let index = node.position(.before(key))
    return index < node.keys.count && node.keys[index] == key ? node.values[index] : nil
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
    return node.values[..<node.position(bound)].reduce(rank) { $0 + $1.count }
  }

  func count(from lower: OrderedMapBound<Key>, to upper: OrderedMapBound<Key>) -> Int {
    max(0, rank(upper) - rank(lower))
  }

  /// Visits the keys between two bounds in ascending or descending order until `body` returns false.
  func visit(
    from lower: OrderedMapBound<Key>, to upper: OrderedMapBound<Key>, descending: Bool = false,
    _ body: (Key, DocumentSet) -> Bool
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
private final class OrderedMapNode<Key: Comparable & Sendable>: @unchecked Sendable {
  static var capacity: Int { 128 }

  // Not checked at run time for overlapping accesses, which would cost as much as all the rest: no method is called by what
  // it calls but for the visits, which change nothing.
  let isLeaf: Bool
  @exclusivity(unchecked) var keys: ContiguousArray<Key> = []
  /// Of a leaf.
  @exclusivity(unchecked) var values: ContiguousArray<DocumentSet> = []
  /// Of an inner node.
  @exclusivity(unchecked) var children: ContiguousArray<OrderedMapNode> = []
  /// Documents in this subtree.
  @exclusivity(unchecked) var count = 0

  init(isLeaf: Bool) {
    self.isLeaf = isLeaf
    willBeShared(self)
  }

  func copy() -> OrderedMapNode {
    keys.willBeShared()
    values.willBeShared()
    children.willBeShared()
    let copy = OrderedMapNode(isLeaf: isLeaf)
    copy.keys = keys
    copy.values = values
    copy.children = children
    copy.count = count
    return copy
  }

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
    if !isUnshared(&children[index]), !planted(.sharedNodeChanged) {
      children[index] = children[index].copy()
    }
    children[index].willChange()
    return children[index]
  }

  /// To be called before a node is changed: it may have shared its arrays until just now, with a copy or with what it is a copy of.
  func willChange() {
    keys.willChange()
    values.willChange()
    children.willChange()
  }

  /// Index of the first key that is not below `key`.
  private func lowerBound(_ key: Key) -> Int {
    keys.withUnsafeBufferPointer { keys in
      var low = 0
      var high = keys.count
      if high > 0, keys[high - 1] < key { return high }
      while low < high {
        let middle = (low + high) >> 1
        if keys[middle] < key { low = middle + 1 } else { high = middle }
      }
      return low
    }
  }

  /// Index of the child in which a key is or would be.
  private func child(of key: Key) -> Int {
    keys.withUnsafeBufferPointer { keys in
      var low = 1
      var high = keys.count
      while low < high {
        let middle = (low + high) >> 1
        if key < keys[middle] { high = middle } else { low = middle + 1 }
      }
      return low - 1
    }
  }

  func insert(_ key: Key, _ members: UnsafeBufferPointer<DocumentNumber>) -> Int {
    if isLeaf {
      let index = lowerBound(key)
      if index == keys.count || keys[index] != key {
        keys.insert(key, at: index)
        values.insert(DocumentSet(), at: index)
      }
      let added = values[index].insert(members)
      count += added
      return added
    }
    let index = child(of: key)
    if key < keys[index] { keys[index] = key }
    let child = uniqueChild(index)
    let added = child.insert(key, members)
    count += added
    if child.keys.count > Self.capacity {
      let right = child.split(isAscending: child.keys[child.keys.count - 1] == key)
      keys.insert(right.keys[0], at: index + 1)
      children.insert(right, at: index + 1)
    }
    return added
  }

  /// Moves the upper keys of this node into a new right sibling: half of them, but few if they came in ascending order, for
  /// then no others will follow in this node.
  func split(isAscending: Bool) -> OrderedMapNode {
    let right = OrderedMapNode(isLeaf: isLeaf)
    let middle = isAscending ? keys.count * 15 / 16 : keys.count / 2
    right.keys = ContiguousArray(keys[middle...])
    keys.removeSubrange(middle...)
    if isLeaf {
      right.values = ContiguousArray(values[middle...])
      values.removeSubrange(middle...)
      right.count = right.values.reduce(0) { $0 + $1.count }
    } else {
      right.children = ContiguousArray(children[middle...])
      children.removeSubrange(middle...)
      right.count = right.children.reduce(0) { $0 + $1.count }
    }
    count -= right.count
    return right
  }

  func remove(_ key: Key, _ member: DocumentNumber) -> Bool {
    if isLeaf {
      let index = position(.before(key))
      guard index < keys.count && keys[index] == key else { return false }
      if !values[index].remove(member) { return false }
      if values[index].isEmpty {
        keys.remove(at: index)
        values.remove(at: index)
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
    _ lower: OrderedMapBound<Key>, _ upper: OrderedMapBound<Key>, _ body: (Key, DocumentSet) -> Bool
  ) -> Bool {
    var index = position(lower)
    if isLeaf {
      while index < keys.count && upper.isAbove(keys[index]) {
        if !body(keys[index], values[index]) { return false }
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
    _ lower: OrderedMapBound<Key>, _ upper: OrderedMapBound<Key>, _ body: (Key, DocumentSet) -> Bool
  ) -> Bool {
    var index = position(upper) - 1
    if isLeaf {
      while index >= 0 && !lower.isAbove(keys[index]) {
        if !body(keys[index], values[index]) { return false }
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
      let documents = values.reduce(0) { $0 + $1.count }
      if count != documents || values.count != keys.count { problems.append("leaf counts differ") }
      if values.contains(where: \.isEmpty) { problems.append("an empty set") }
      for value in values { problems += value.structuralProblems() }
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
