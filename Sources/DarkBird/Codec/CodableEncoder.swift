internal import Foundation

/// What an `Encoder` has been told so far about one value. `Codable` may come back to a container it began earlier, and
/// CBOR wants the count first: so the tree is built before anything is written.
final class CodableNode {
  enum Child {
    case value(Value)
    case uuid(UUID)
    case node(CodableNode)
  }

  private enum Content {
    case nothing
    case single(Child)
    case array([Child])
    case map([(name: String, child: Child)])
    case conflict
  }

  /// Of the calls of `encode(to:)` that lead here: more than arrays and maps lie in each other, for a value may put another one in
  /// its own place.
  private let depth: Int
  private var content = Content.nothing
  /// Where each name of a map stands, once there are too many to search.
  private var places: [String: Int] = [:]

  /// More than any value needs that can be written, and few enough for the stack of a thread. Of values that are encoded as such:
  /// who goes on for ever with `superEncoder` or nested containers alone is not stopped.
  private static let depthMax = 3 * CBORFormat.depthMax

  init() { depth = 0 }
  private init(in parent: CodableNode) { depth = parent.depth + 1 }

  /// A node for a value inside of this one.
  func child() -> CodableNode { CodableNode(in: self) }

  var isTooDeep: Bool { depth > Self.depthMax }

  var isMap: Bool {
    switch content {
    case .nothing, .map: true
    case .single(.node(let node)): node.isMap
    case .single(.value(.map)): true
    default: false
    }
  }

  var count: Int {
    if case .array(let children) = content { children.count } else { 0 }
  }

  func beginMap() {
    switch content {
    case .nothing: content = .map([])
    case .map: break
    default: content = .conflict
    }
  }

  func beginArray() {
    switch content {
    case .nothing: content = .array([])
    case .array: break
    default: content = .conflict
    }
  }

  func set(_ child: Child) {
    if case .nothing = content { content = .single(child) } else { content = .conflict }
  }

  func append(_ child: Child) {
    guard case .array(var children) = content else {
      content = .conflict
      return
    }
    content = .nothing  // so that `children` is the only reference, and appending copies nothing
    children.append(child)
    content = .array(children)
  }

  /// A name that is set again keeps its place and gets the later value.
  func set(_ child: Child, for name: String) {
    guard case .map(var children) = content else {
      content = .conflict
      return
    }
    content = .nothing
    defer { content = .map(children) }
    if let place = place(of: name, in: children) {
      children[place].child = child
    } else {
      children.append((name, child))
      if children.count > Self.searchedNamesMax { places[name] = children.count - 1 }
    }
  }

  /// The node under a name: the one that is there, for a container may be asked for twice, or a new one.
  func node(for name: String) -> CodableNode {
    if case .map(let children) = content, let place = place(of: name, in: children),
      case .node(let node) = children[place].child
    {
      return node
    }
    let node = child()
    set(.node(node), for: name)
    return node
  }

  private func place(of name: String, in children: [(name: String, child: Child)]) -> Int? {
    children.prefix(Self.searchedNamesMax).firstIndex { $0.name == name } ?? places[name]
  }

  private static let searchedNamesMax = 16

  /// - Parameter depth: arrays and maps around the value.
  func write(to writer: inout CBORWriter, depth: Int) throws(CBORError) {
    switch content {
    case .single(let child): try write(child, to: &writer, depth: depth)
    case .array(let children):
      try writer.checkDepth(depth)
      writer.beginArray(count: children.count)
      for child in children { try write(child, to: &writer, depth: depth + 1) }
    case .map(let children):
      try writer.checkDepth(depth)
      writer.beginMap(count: children.count)
      for (name, child) in children {
        writer.write(name)
        try write(child, to: &writer, depth: depth + 1)
      }
    // A type without fields.
    case .nothing: writer.beginMap(count: 0)
    case .conflict:
      throw CBORError(
        offset: writer.bytes.count, reason: "encode(to:) asked for two different containers for one value")
    }
  }

  private func write(_ child: Child, to writer: inout CBORWriter, depth: Int) throws(CBORError) {
    switch child {
    case .value(let value): try writer.write(value, depth: depth)
    case .uuid(let uuid): writer.write(uuid)
    case .node(let node): try node.write(to: &writer, depth: depth)
    }
  }
}

struct CodableEncoder: Encoder {
  let node: CodableNode
  let codingPath: [any CodingKey]
  var userInfo: [CodingUserInfoKey: Any] { [:] }

  func container<Key: CodingKey>(keyedBy type: Key.Type) -> KeyedEncodingContainer<Key> {
    node.beginMap()
    return KeyedEncodingContainer(CodableKeyedEncoder<Key>(node: node, codingPath: codingPath))
  }

  func unkeyedContainer() -> any UnkeyedEncodingContainer {
    node.beginArray()
    return CodableUnkeyedEncoder(node: node, codingPath: codingPath)
  }

  func singleValueContainer() -> any SingleValueEncodingContainer {
    CodableSingleEncoder(node: node, codingPath: codingPath)
  }

  /// Kinds that CBOR has a form of its own for are taken as they are; all others say themselves what they consist of.
  static func child<T: Encodable>(
    _ value: T, of parent: CodableNode, at codingPath: @autoclosure () -> [any CodingKey]
  ) throws -> CodableNode.Child {
    // Comparing the types first is much cheaper than a cast.
    if T.self == String.self, let value = value as? String { return .value(.string(value)) }
    if T.self == Int.self, let value = value as? Int { return .value(.int(Int64(value))) }
    if T.self == Date.self, let value = value as? Date { return .value(.date(value)) }
    if T.self == UUID.self, let value = value as? UUID { return .uuid(value) }
    if T.self == [UInt8].self, let value = value as? [UInt8] { return .value(.bytes(value)) }
    if T.self == Data.self, let value = value as? Data { return .value(.bytes([UInt8](value))) }
    if T.self == Value.self, let value = value as? Value { return .value(value) }
    if T.self == Record.self, let value = value as? Record { return .value(.map(value)) }
    let node = parent.child()
    if node.isTooDeep {
      throw EncodingError.invalidValue(
        value, EncodingError.Context(codingPath: [], debugDescription: CBORFormat.tooDeep))
    }
    try value.encode(to: CodableEncoder(node: node, codingPath: codingPath()))
    return .node(node)
  }

  static func child<T: FixedWidthInteger>(
    integer value: T, at codingPath: @autoclosure () -> [any CodingKey]
  ) throws -> CodableNode.Child {
    if let value = Int64(exactly: value) { return .value(.int(value)) }
    if let value = UInt64(exactly: value) { return .value(.unsigned(value)) }
    throw EncodingError.invalidValue(
      value, EncodingError.Context(codingPath: codingPath(), debugDescription: "the integer has more than 64 bits"))
  }
}

private struct CodableKeyedEncoder<Key: CodingKey>: KeyedEncodingContainerProtocol {
  let node: CodableNode
  let codingPath: [any CodingKey]

  func encodeNil(forKey key: Key) { node.set(.value(.null), for: key.stringValue) }
  func encode(_ value: Bool, forKey key: Key) { node.set(.value(.bool(value)), for: key.stringValue) }
  func encode(_ value: String, forKey key: Key) { node.set(.value(.string(value)), for: key.stringValue) }
  func encode(_ value: Double, forKey key: Key) { node.set(.value(.double(value)), for: key.stringValue) }
  func encode(_ value: Float, forKey key: Key) { node.set(.value(.double(Double(value))), for: key.stringValue) }

  func encode<T: Encodable & FixedWidthInteger>(_ value: T, forKey key: Key) throws {
    node.set(try CodableEncoder.child(integer: value, at: codingPath + [key]), for: key.stringValue)
  }

  func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
    node.set(try CodableEncoder.child(value, of: node, at: codingPath + [key]), for: key.stringValue)
  }

  func nestedContainer<Nested: CodingKey>(
    keyedBy type: Nested.Type, forKey key: Key
  ) -> KeyedEncodingContainer<Nested> {
    nested(key).container(keyedBy: type)
  }

  func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { nested(key).unkeyedContainer() }
  func superEncoder() -> any Encoder { nested(CodableKey.super) }
  func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

  private func nested(_ key: any CodingKey) -> CodableEncoder {
    CodableEncoder(node: node.node(for: key.stringValue), codingPath: codingPath + [key])
  }
}

private struct CodableUnkeyedEncoder: UnkeyedEncodingContainer {
  let node: CodableNode
  let codingPath: [any CodingKey]
  var count: Int { node.count }

  private var path: [any CodingKey] { codingPath + [CodableKey(index: count)] }

  func encodeNil() { node.append(.value(.null)) }
  func encode(_ value: Bool) { node.append(.value(.bool(value))) }
  func encode(_ value: String) { node.append(.value(.string(value))) }
  func encode(_ value: Double) { node.append(.value(.double(value))) }
  func encode(_ value: Float) { node.append(.value(.double(Double(value)))) }

  func encode<T: Encodable & FixedWidthInteger>(_ value: T) throws {
    node.append(try CodableEncoder.child(integer: value, at: path))
  }

  func encode<T: Encodable>(_ value: T) throws {
    node.append(try CodableEncoder.child(value, of: node, at: path))
  }

  func nestedContainer<Nested: CodingKey>(keyedBy type: Nested.Type) -> KeyedEncodingContainer<Nested> {
    nested().container(keyedBy: type)
  }

  func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }
  func superEncoder() -> any Encoder { nested() }

  private func nested() -> CodableEncoder {
    let (path, child) = (path, node.child())
    node.append(.node(child))
    return CodableEncoder(node: child, codingPath: path)
  }
}

private struct CodableSingleEncoder: SingleValueEncodingContainer {
  let node: CodableNode
  let codingPath: [any CodingKey]

  func encodeNil() { node.set(.value(.null)) }
  func encode(_ value: Bool) { node.set(.value(.bool(value))) }
  func encode(_ value: String) { node.set(.value(.string(value))) }
  func encode(_ value: Double) { node.set(.value(.double(value))) }
  func encode(_ value: Float) { node.set(.value(.double(Double(value)))) }

  func encode<T: Encodable & FixedWidthInteger>(_ value: T) throws {
    node.set(try CodableEncoder.child(integer: value, at: codingPath))
  }

  func encode<T: Encodable>(_ value: T) throws {
    node.set(try CodableEncoder.child(value, of: node, at: codingPath))
  }
}
