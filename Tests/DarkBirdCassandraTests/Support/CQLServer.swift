import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

@testable import DarkBirdCassandra

/// A server on this machine that answers as it is told.
final class CQLServer: Sendable {
  /// How answers go over: one by one as they are made, or late, in another order, and in pieces of any size.
  enum Delivery: Sendable {
    case plain
    case unruly(seed: UInt64)
  }

  typealias Answer = @Sendable (CQLRequest, Connection, _ stream: Int16) throws -> Void

  private let channel: any Channel
  private let connections = Mutex<[ObjectIdentifier: any Channel]>([:])
  /// How many there have been.
  let accepted = Atomic<Int>(0)

  init(
    host: String = "127.0.0.1", port: Int = 0, tls: NIOSSLContext? = nil, _ delivery: Delivery = .plain,
    answer: @escaping Answer
  ) throws {
    // Of `self`, which is not there yet.
    let holder = Holder()
    channel = try ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.socketOption(.tcp_nodelay), value: 1)
      .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
          try channel.pipeline.syncOperations.addHandler(ServerHandler(delivery, answer))
          holder.register.withLock { $0 }?(channel)
        }
      }
      .bind(host: host, port: port).wait()
    holder.register.withLock {
      $0 = { [weak self] channel in
        guard let self else { return }
        accepted.add(1, ordering: .relaxed)
        let identifier = ObjectIdentifier(channel)
        connections.withLock { $0[identifier] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
          self?.connections.withLock { _ = $0.removeValue(forKey: identifier) }
        }
      }
    }
  }

  private final class Holder: Sendable {
    let register = Mutex<(@Sendable (any Channel) -> Void)?>(nil)
  }

  deinit { stop() }

  var port: Int { channel.localAddress?.port ?? 0 }
  var openConnections: Int { connections.withLock { $0.count } }

  /// All at once, as a server that dies.
  func dropConnections() {
    for channel in connections.withLock({ Array($0.values) }) { channel.close(promise: nil) }
  }

  func stop() {
    channel.close(promise: nil)
    dropConnections()
  }

  /// One client, as an answer sees it.
  struct Connection: Sendable {
    let channel: any Channel
    fileprivate let handler: NIOLoopBound<ServerHandler>

    func send(_ frame: CQLFrame) { handler.value.send(frame) }

    func send(_ opcode: CQLFormat.Opcode, _ stream: Int16, _ body: ByteBuffer = ByteBuffer()) {
      send(.answer(opcode, stream: stream, body))
    }

    /// Some bytes, and then no more.
    func sendAndClose(_ bytes: some Sequence<UInt8>) {
      channel.writeAndFlush(ByteBuffer(bytes: bytes)).whenComplete { [channel] _ in channel.close(promise: nil) }
    }
  }
}

private final class ServerHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  private let delivery: CQLServer.Delivery
  private let answer: CQLServer.Answer
  private var received = ByteBuffer()
  private var context: ChannelHandlerContext?
  private var waiting: [CQLFrame] = []
  private var random: SplitMix

  init(_ delivery: CQLServer.Delivery, _ answer: @escaping CQLServer.Answer) {
    self.delivery = delivery
    self.answer = answer
    if case .unruly(let seed) = delivery { random = SplitMix(state: seed) } else { random = SplitMix(state: 0) }
  }

  func handlerAdded(context: ChannelHandlerContext) { self.context = context }
  func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var piece = unwrapInboundIn(data)
    received.writeBuffer(&piece)
    let connection = CQLServer.Connection(
      channel: context.channel, handler: NIOLoopBound(self, eventLoop: context.eventLoop))
    do {
      while let frame = try CQLFrame.read(from: &received) {
        try answer(CQLRequest(opcode: frame.opcode, frame.body), connection, frame.stream)
      }
      received.discardReadBytes()
    } catch {
      context.close(promise: nil)
    }
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }

  func send(_ frame: CQLFrame) {
    guard let context else { return }
    guard case .unruly = delivery else {
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: frame.bytes)), promise: nil)
      return
    }
    waiting.append(frame)
    if waiting.count > 1 { return }
    let delay = TimeAmount.microseconds(Int64.random(in: 0..<2_000, using: &random))
    context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.release() }
  }

  private func release() {
    guard let context else { return }
    waiting.shuffle(using: &random)
    var bytes = waiting.flatMap(\.bytes)[...]
    waiting = []
    while !bytes.isEmpty {
      let piece = bytes.prefix(Int.random(in: 1...max(1, bytes.count / 3), using: &random))
      bytes = bytes.dropFirst(piece.count)
      context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: piece)), promise: nil)
    }
  }
}

extension CassandraAddress {
  /// Of servers here.
  init(_ servers: CQLServer..., user: String? = nil, password: String? = nil, options: String = "") throws {
    let hosts = servers.map { "127.0.0.1:\($0.port)" }.joined(separator: ",")
    try self.init(
      "cassandra://\(user.map { $0 + "@" } ?? "")\(hosts)/club\(options)", password: password)
    // Ever later, but not as late as with a server that is worth waiting for.
    retries.delayMin = .microseconds(100)
  }
}
