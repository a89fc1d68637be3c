import DarkBird
import Foundation

/// The nodes of a cluster, and which of them has which rows: what the first one that answered knows.
struct Cluster {
  struct Node {
    var host: CassandraAddress.Host
    var connection: CassandraConnection?
    /// Not tried again before.
    var isDownUntil: ContinuousClock.Instant?
    /// Statements that it has prepared since there is this connection, by their text: when, as a number that grows.
    var prepared: [String: Int] = [:]
  }

  /// So many nodes of one data centre are used at most.
  static let nodesMax = 64
  /// A node that did not answer is left alone for this time, while there are others.
  static let downTime = Duration.seconds(30)
  static let distrustTime = Duration.seconds(3_600)

  var nodes: [Node] = []
  /// Where each part of the ring ends, in order, and whose it is.
  private(set) var ring: [(token: Int64, node: Int)] = []
  private var turn = 0

  init(_ hosts: [CassandraAddress.Host]) { nodes = hosts.map { Node(host: $0) } }

  /// - Parameter known: nodes of the same data centre with their tokens, the one asked first.
  init(_ known: [(host: CassandraAddress.Host, tokens: [Int64])], connection: CassandraConnection) {
    for (index, node) in known.prefix(Self.nodesMax).enumerated() {
      nodes.append(Node(host: node.host))
      ring += node.tokens.map { ($0, index) }
    }
    ring.sort { $0.token < $1.token }
    nodes[0].connection = connection
  }

  /// The node that has the first copy of a partition.
  func owner(of token: Int64) -> Int? {
    if ring.isEmpty { return nil }
    var (low, high) = (0, ring.count)
    while low < high {
      let middle = (low + high) / 2
      if ring[middle].token < token { low = middle + 1 } else { high = middle }
    }
    // After the last comes the first.
    return ring[low % ring.count].node
  }

  /// In which order nodes are to be tried: the owner, then the others in turn, those that were down last.
  mutating func order(_ token: Int64?) -> [Int] {
    let now = ContinuousClock.now
    turn = (turn + 1) % max(1, nodes.count)
    var order = nodes.indices.map { ($0 + turn) % nodes.count }
    if let token, let owner = owner(of: token), let index = order.firstIndex(of: owner) {
      order.remove(at: index)
      order.insert(owner, at: 0)
    }
    let down = nodes.map { $0.isDownUntil.map { $0 > now } ?? false }
    return order.filter { !down[$0] } + order.filter { down[$0] }
  }

  // MARK: Asking

  /// Asks the node of a connection for the others of its data centre.
  static func known(
    by connection: CassandraConnection
  ) throws(DatabaseError) -> [(host: CassandraAddress.Host, tokens: [Int64])] {
    let local = try rows("SELECT data_center, partitioner, tokens FROM system.local", connection)
    guard let first = local.first, case .text(let center)? = first["data_center"] else {
      return [(connection.host, [])]
    }
    let hasTokens = first["partitioner"].map { "\($0)".contains("Murmur3Partitioner") } ?? false
    func tokens(_ row: [String: CQLValue]) -> [Int64] {
      guard hasTokens, case .list(let tokens)? = row["tokens"] else { return [] }
      return tokens.compactMap { if case .text(let text) = $0 { Int64(text) } else { nil } }
    }
    var known = [(connection.host, tokens(first))]
    for row in try rows("SELECT rpc_address, peer, data_center, tokens FROM system.peers", connection) {
      guard row["data_center"] == .text(center), let name = address(row["rpc_address"]) ?? address(row["peer"]) else {
        continue
      }
      known.append((CassandraAddress.Host(name: name, port: connection.host.port), tokens(row)))
    }
    return known
  }

  /// Nil for 0.0.0.0, which a node says that listens everywhere.
  private static func address(_ value: CQLValue?) -> String? {
    guard case .inet(let bytes)? = value, bytes.contains(where: { $0 != 0 }) else { return nil }
    if bytes.count == 4 { return bytes.map(String.init).joined(separator: ".") }
    return stride(from: 0, to: 16, by: 2).map { String(UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]), radix: 16) }
      .joined(separator: ":")
  }

  static func rows(
    _ text: String, _ connection: CassandraConnection
  ) throws(DatabaseError) -> [[String: CQLValue]] {
    var parameters = CQLParameters()
    parameters.consistency = .one
    switch try connection.call(.query(text, parameters)) {
    case .rows(let rows): return try rows.named()
    case .error(let failure): throw DatabaseError(failure)
    default: throw DatabaseError(CQLMalformed("no rows to a SELECT"))
    }
  }
}

extension CQLRows {
  /// All of this page, by the names of their columns.
  func named() throws(DatabaseError) -> [[String: CQLValue]] {
    var rows = self
    var result: [[String: CQLValue]] = []
    do throws(CQLMalformed) {
      while let row = try rows.next() {
        result.append(Dictionary(zip(columns.map(\.name), row), uniquingKeysWith: { first, _ in first }))
      }
    } catch {
      throw DatabaseError(error)
    }
    return result
  }
}
