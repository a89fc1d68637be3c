import DarkBird
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization

/// One connection to a node. May be used by several threads; `call` blocks its own.
final class CassandraConnection: Sendable {
  let host: CassandraAddress.Host
  private let channel: any Channel
  private let handler: NIOLoopBound<CQLHandler>
  private static let connectTime = TimeAmount.seconds(10)

  /// Connects, encrypts, says who we are and enters the keyspace.
  /// - Throws: `.unreachable`, `.certificate`, `.noDatabase`, `.authentication`: without a code if no password was given where one
  ///   is needed.
  init(_ host: CassandraAddress.Host, _ address: CassandraAddress) throws(DatabaseError) {
    self.host = host
    let timeout = TimeAmount.nanoseconds(Int64(address.timeoutSeconds * 1e9))
    let tls = try Self.tls(address)
    let isVerified = address.encryption == .verifyFull
    let loop = MultiThreadedEventLoopGroup.singleton.next()
    // Each address of the host that is tried has its own. Not looked for in the channel: one that the server has refused by the time
    // it is looked for has none any more, and only the handler knows why.
    let handlers = NIOLoopBoundBox.makeEmptyBox(valueType: [ObjectIdentifier: CQLHandler].self, eventLoop: loop)
    let bootstrap = ClientBootstrap(group: loop)
      .connectTimeout(Self.connectTime)
      .channelOption(.socketOption(.so_keepalive), value: 1)
      .channelOption(.socketOption(.tcp_nodelay), value: 1)
      .channelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
          if let tls {
            // A certificate for an IP address is compared with that of the connection.
            let name = isVerified && !Self.isNumeric(host.name) ? host.name : nil
            try channel.pipeline.syncOperations.addHandler(NIOSSLClientHandler(context: tls, serverHostname: name))
          }
          let handler = CQLHandler(timeout: timeout)
          try channel.pipeline.syncOperations.addHandler(handler)
          handlers.value = (handlers.value ?? [:]).merging([ObjectIdentifier(channel): handler]) { $1 }
        }
      }
    do {
      let future = bootstrap.connect(host: host.name, port: host.port).flatMapThrowing { channel in
        guard let handler = handlers.value?[ObjectIdentifier(channel)] else { throw ChannelPipelineError.notFound }
        handlers.value = nil
        return (channel, NIOLoopBound(handler, eventLoop: loop))
      }
      (channel, handler) = try future.wait()
    } catch {
      throw Self.failure(error)
    }
    do throws(DatabaseError) { try begin(address) } catch {
      close()
      throw error
    }
  }

  private static func isNumeric(_ name: String) -> Bool { (try? SocketAddress(ipAddress: name, port: 0)) != nil }

  private static func tls(_ address: CassandraAddress) throws(DatabaseError) -> NIOSSLContext? {
    if address.encryption == .off { return nil }
    var configuration = TLSConfiguration.makeClientConfiguration()
    switch address.encryption {
    case .off, .require: configuration.certificateVerification = .none
    case .verifyCA: configuration.certificateVerification = .noHostnameVerification
    case .verifyFull: configuration.certificateVerification = .fullVerification
    }
    do {
      if let file = address.certificates {
        configuration.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(file))
      }
      return try NIOSSLContext(configuration: configuration)
    } catch {
      throw DatabaseError(.certificate, "the file of certificates cannot be read: \(address.certificates ?? "")")
    }
  }

  /// What NIO says, in one line.
  static func failure(_ error: any Error) -> DatabaseError {
    switch error {
    case let error as DatabaseError: return error
    case let error as IOError:
      return DatabaseError(.unreachable, "the connection was lost: \(String(cString: strerror(error.errnoCode)))")
    case let error as NIOConnectionError:
      let reason = (error.connectionErrors.first?.error).map(systemReason) ?? "its name is not known"
      return DatabaseError(.unreachable, "cannot connect to \(error.host):\(error.port): \(reason)")
    case ChannelError.connectTimeout: return DatabaseError(.unreachable, "no connection within 10 seconds")
    case let error as NIOSSLError:
      if case .handshakeFailed(let reason) = error {
        let text = "\(reason)"
        let isTrust = text.contains("CERTIFICATE_VERIFY_FAILED")
        return isTrust
          ? DatabaseError(.certificate, "the server's certificate is not trusted; ca=FILE names whom to trust")
          : DatabaseError(.certificate, "no encrypted connection: the server does not speak TLS, or not this one's")
      }
      if case .unableToValidateCertificate = error {
        return DatabaseError(.certificate, "the server's certificate is not of this host")
      }
      return DatabaseError(.unreachable, "the encrypted connection broke")
    case is NIOSSLExtraError:
      return DatabaseError(.certificate, "the server's certificate is not of this host")
    default: return DatabaseError(.unreachable, "the connection was lost")
    }
  }

  private static func systemReason(_ error: any Error) -> String {
    if let error = error as? IOError { return String(cString: strerror(error.errnoCode)) }
    if case ChannelError.connectTimeout = error { return "no answer" }
    return "no connection"
  }

  private func begin(_ address: CassandraAddress) throws(DatabaseError) {
    let options: [CQLRequest.Option] = [
      .init(name: "CQL_VERSION", value: "3.0.0"), .init(name: "DRIVER_NAME", value: "darkbird"),
    ]
    switch try call(.startup(options)) {
    case .ready: break
    case .authenticate:
      guard let user = address.user else {
        throw DatabaseError(.authentication, "the server wants a user: cassandra://user@host/keyspace")
      }
      guard let password = address.password else { throw DatabaseError(.authentication, "a password is needed") }
      switch try call(.authResponse(PlainAuthentication.token(user: user, password: password))) {
      case .authSuccess: break
      case .error(let failure) where failure.known == .badCredentials:
        throw DatabaseError(.authentication, "wrong user or password: \(failure.message)", code: failure.codeText)
      case .error(let failure): throw DatabaseError(failure)
      default: throw DatabaseError(.authentication, "the server wants more than a password", code: "AUTH_CHALLENGE")
      }
    case .error(let failure): throw DatabaseError(failure)
    case let other: throw DatabaseError(CQLMalformed("\(String(describing: other).prefix(40)) instead of READY"))
    }
    switch try call(.query("USE \(quoted(address.keyspace))", CQLParameters())) {
    case .setKeyspace: break
    case .error(let failure) where failure.known == .invalid:
      throw DatabaseError(.noDatabase, "there is no keyspace \(address.keyspace)", code: failure.codeText)
    case .error(let failure): throw DatabaseError(failure)
    default: throw DatabaseError(CQLMalformed("no answer to USE"))
    }
  }

  var isOpen: Bool { channel.isActive }

  /// - Parameter completion: called once, on the connection's event loop.
  func send(_ request: CQLRequest, _ completion: @escaping CQLCompletion) {
    var body = ByteBuffer()
    do throws(CQLMalformed) { try request.write(to: &body) } catch {
      return completion(.failure(DatabaseError(.query, error.description)))
    }
    channel.eventLoop.execute { [handler, body] in handler.value.send(request.opcode, body, completion) }
  }

  /// - Throws: where no answer comes; that of the server may be an error too.
  func call(_ request: CQLRequest) throws(DatabaseError) -> CQLResponse {
    let answer = Answer()
    send(request) { result in
      answer.value.withLock { $0 = result }
      answer.isThere.signal()
    }
    answer.isThere.wait()
    guard let result = answer.value.withLock({ $0 }) else { preconditionFailure("signalled without an answer") }
    return try result.get()
  }

  private final class Answer: Sendable {
    let value = Mutex<Result<CQLResponse, DatabaseError>?>(nil)
    let isThere = DispatchSemaphore(value: 0)
  }

  /// Requests that the server has not answered yet.
  var inFlight: Int { (try? channel.eventLoop.submit { [handler] in handler.value.inFlight }.wait()) ?? 0 }

  func close() {
    // One that is closed already is closed.
    try? channel.close().wait()
  }
}

/// PLAIN of RFC 4616.
enum PlainAuthentication {
  static func token(user: String, password: String) -> [UInt8] { [0] + user.utf8 + [0] + password.utf8 }
}

/// A name as CQL writes it.
func quoted(_ name: String) -> String { "\"" + name.escaping("\"", with: "\"") + "\"" }
