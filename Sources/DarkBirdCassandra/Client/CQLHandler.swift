import DarkBird
import DequeModule
import NIOCore

typealias CQLCompletion = @Sendable (Result<CQLResponse, DatabaseError>) -> Void

/// Requests of one connection that wait for their answers, each under the number of a stream. All of it belongs to the event loop
/// of the connection.
///
/// A request that is not answered in time is given up, but its number is not: an answer to it may still come. If half of the numbers
/// are lost in this way, the connection is closed.
final class CQLHandler: ChannelInboundHandler {
  typealias InboundIn = ByteBuffer
  typealias OutboundOut = ByteBuffer

  static let streamsMax = 1_000

  private enum Stream {
    case free
    case waiting(CQLCompletion, deadline: NIODeadline)
    case givenUp
  }

  private struct Queued {
    var opcode: CQLFormat.Opcode
    var body: ByteBuffer
    var completion: CQLCompletion
    var deadline: NIODeadline
  }

  private let timeout: TimeAmount
  private var context: ChannelHandlerContext?
  private var received = ByteBuffer()
  private var streams = [Stream](repeating: .free, count: CQLHandler.streamsMax)
  /// The last one is the next; each number once.
  private var free = (0..<Int16(CQLHandler.streamsMax)).reversed().map { $0 }
  private var lost = 0
  /// For which there was no number.
  private var queue: Deque<Queued> = []
  private var isFlushScheduled = false
  private var sweep: Scheduled<Void>?
  /// Why there is no connection any more.
  private var end: DatabaseError?

  /// - Parameter timeout: for each answer.
  init(timeout: TimeAmount) { self.timeout = timeout }

  /// Requests that have not been answered, given up ones among them.
  var inFlight: Int { Self.streamsMax - free.count + queue.count }

  func send(_ opcode: CQLFormat.Opcode, _ body: ByteBuffer, _ completion: @escaping CQLCompletion) {
    guard let context, end == nil else {
      return completion(.failure(end ?? DatabaseError(.unreachable, "there is no connection")))
    }
    let request = Queued(opcode: opcode, body: body, completion: completion, deadline: .now() + timeout)
    guard let stream = free.popLast() else { return queue.append(request) }
    write(request, stream, context)
  }

  private func write(_ request: Queued, _ stream: Int16, _ context: ChannelHandlerContext) {
    streams[Int(stream)] = .waiting(request.completion, deadline: request.deadline)
    var buffer = context.channel.allocator.buffer(
      capacity: CQLFormat.headerBytes + request.body.readableBytes)
    CQLFrame(isResponse: false, stream: stream, opcode: request.opcode, body: request.body).write(to: &buffer)
    context.write(wrapOutboundOut(buffer), promise: nil)
    if isFlushScheduled { return }
    // Everything that other threads have asked for meanwhile goes over in one piece.
    isFlushScheduled = true
    context.eventLoop.assumeIsolated().execute {
      self.isFlushScheduled = false
      self.context?.flush()
    }
  }

  // MARK: The connection

  func handlerAdded(context: ChannelHandlerContext) {
    self.context = context
    scheduleSweep(context)
  }

  private func scheduleSweep(_ context: ChannelHandlerContext) {
    let step = TimeAmount.nanoseconds(max(1_000_000, timeout.nanoseconds / 8))
    sweep = context.eventLoop.assumeIsolated().scheduleTask(in: step) {
      self.giveUpLateOnes()
      if let context = self.context { self.scheduleSweep(context) }
    }
  }

  func handlerRemoved(context: ChannelHandlerContext) {
    finish(DatabaseError(.unreachable, "the connection was closed"))
  }

  func channelInactive(context: ChannelHandlerContext) {
    finish(DatabaseError(.unreachable, "the server closed the connection"))
    context.fireChannelInactive()
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    finish(CassandraConnection.failure(error))
    context.close(promise: nil)
  }

  private func finish(_ reason: DatabaseError) {
    if end != nil { return }
    end = reason
    sweep?.cancel()
    sweep = nil
    context = nil
    let unanswered = streams
    let queued = queue
    streams = [Stream](repeating: .free, count: Self.streamsMax)
    free = (0..<Int16(Self.streamsMax)).reversed().map { $0 }
    queue = []
    for case .waiting(let completion, _) in unanswered { completion(.failure(reason)) }
    for request in queued { request.completion(.failure(reason)) }
  }

  // MARK: Answers

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    var piece = unwrapInboundIn(data)
    if received.readableBytes == 0 { received = piece } else { received.writeBuffer(&piece) }
    do {
      while end == nil, let frame = try CQLFrame.read(from: &received) { try take(frame, context) }
      received.discardReadBytes()
    } catch {
      finish(DatabaseError(error))
      context.close(promise: nil)
    }
  }

  private func take(_ frame: CQLFrame, _ context: ChannelHandlerContext) throws(CQLMalformed) {
    guard frame.isResponse else { throw CQLMalformed("a request, not an answer") }
    // Events, which nobody has asked for.
    if frame.stream < 0 { return }
    guard frame.stream < Self.streamsMax else { throw CQLMalformed("an answer to nothing") }
    let stream = streams[Int(frame.stream)]
    switch stream {
    case .free: throw CQLMalformed("an answer to nothing")
    case .givenUp: lost -= 1
    case .waiting: break
    }
    let answer = try CQLResponse(frame)
    streams[Int(frame.stream)] = .free
    free.append(frame.stream)
    if case .waiting(let completion, _) = stream { completion(.success(answer)) }
    if let next = queue.popFirst(), let number = free.popLast() { write(next, number, context) }
  }

  private func giveUpLateOnes() {
    let now = NIODeadline.now()
    let late = DatabaseError(.unreachable, "no answer within \(Double(timeout.nanoseconds) / 1e9) seconds")
    for index in streams.indices {
      if case .waiting(let completion, let deadline) = streams[index], deadline <= now {
        streams[index] = .givenUp
        lost += 1
        completion(.failure(late))
      }
    }
    while let first = queue.first, first.deadline <= now {
      queue.removeFirst()
      first.completion(.failure(late))
    }
    if lost > Self.streamsMax / 2 {
      let context = context
      finish(DatabaseError(.unreachable, "the server has left \(lost) requests without an answer"))
      context?.close(promise: nil)
    }
  }
}
