import DarkBird
import NIOCore

/// One statement with its values. It is repeated where no answer comes, so that it must be the same done twice as done once.
struct Statement {
  var text: String
  var values: [CQLValue] = []
  /// Rows of a page; nil for all at once.
  var pageSize: Int32?
  var pagingState: [UInt8]?
  /// Whether it has an IF: then the copies of the row agree first on who is next.
  var isConditional = false
  /// Whether it reads what conditional statements have written.
  var isSerialRead = false

  init(_ text: String, _ values: [CQLValue] = []) {
    self.text = text
    self.values = values
  }

  /// About what its values take.
  var bytes: Int {
    values.reduce(0) { sum, value in
      switch value {
      case .text(let text): sum + text.utf8.count
      case .blob(let bytes): sum + bytes.count
      default: sum + 16
      }
    }
  }

  /// What it is to a server that has prepared it.
  func parameters(
    _ prepared: CQLPrepared, _ consistency: Consistency
  ) throws(DatabaseError) -> CQLParameters {
    guard prepared.parameters.count == values.count else {
      throw DatabaseError(.query, "\(values.count) values for \(prepared.parameters.count) parameters")
    }
    var parameters = CQLParameters()
    parameters.consistency = consistency
    parameters.pageSize = pageSize
    parameters.pagingState = pagingState
    let serial: Consistency = [.localOne, .localQuorum].contains(consistency) ? .localSerial : .serial
    if isConditional { parameters.serialConsistency = serial }
    if isSerialRead { parameters.consistency = serial }
    for (value, column) in zip(values, prepared.parameters) {
      if case .null = value {
        parameters.values.append(nil)
        continue
      }
      var buffer = ByteBuffer()
      do throws(CQLMalformed) { try value.write(as: column.type, to: &buffer) } catch {
        throw DatabaseError(.columnType, "column '\(column.name)' of type \(column.type): \(error)")
      }
      buffer.moveReaderIndex(forwardBy: 4)
      parameters.values.append(buffer)
    }
    return parameters
  }
}

extension CQLPrepared {
  /// Where the row belongs; nil where that is not known.
  func token(_ values: [ByteBuffer?]) -> Int64? {
    if partitionKey.isEmpty { return nil }
    var key: [UInt8] = []
    for index in partitionKey {
      guard index < values.count, let value = values[index] else { return nil }
      if partitionKey.count == 1 {
        key = Array(value.readableBytesView)
      } else {
        // Of several columns: each with its length before and a zero behind.
        let count = value.readableBytes
        guard count <= 0xffff else { return nil }
        key += [UInt8(count >> 8), UInt8(count & 0xff)]
        key += value.readableBytesView
        key.append(0)
      }
    }
    return Murmur3.token(key)
  }
}

/// How often and when a statement is tried again.
struct RetryPolicy: Sendable {
  var attemptsMax = 6
  var delayMin = Duration.milliseconds(50)
  var delayMax = Duration.seconds(5)

  /// - Parameter attempt: how often it has failed, 1...
  /// - Returns: nil to give up.
  func delay(after attempt: Int, _ random: inout some RandomNumberGenerator) -> Duration? {
    guard attempt < attemptsMax else { return nil }
    let full = min(delayMax, delayMin * (1 << min(attempt - 1, 16)))
    // Not all who were sent away come back at once.
    return full * Double.random(in: 0.5...1, using: &random)
  }

  /// Whether a failure may be gone after a while. All statements here can be repeated.
  static func isWorthAnother(_ error: DatabaseError) -> Bool { error.kind == .unreachable }
}
