/// The bytes of the log's queue: frames one after the other, whose checksums and durable LSNs the writer fills in.
///
/// Every writer of the store adds a frame while it holds the log's lock, and all others wait for it: so this is a copy of its
/// bytes and nothing else, neither references that are counted nor an array that checks itself for each piece.
///
/// Unsafe corner: `count` bytes of `memory` are there and initialised, and it has room for `capacity`.
///
/// Unchecked: one owner at a time, the log under its lock, or the writer's thread.
final class LogBuffer: @unchecked Sendable {
  private var memory: UnsafeMutableRawPointer
  private var capacity: Int
  private(set) var count = 0

  init() {
    capacity = 64 << 10
    memory = .allocate(byteCount: capacity, alignment: 8)
  }

  deinit { memory.deallocate() }

  /// Keeps the memory.
  func removeAll() { count = 0 }

  func appendFrame(_ kind: LogRecordKind, lsn: UInt64, payload: [UInt8], keyLength: Int) {
    let length = LogFormat.frameHeaderBytes + payload.count
    let bytes = LogFormat.aligned(length)
    if count + bytes > capacity { grow(count + bytes) }
    let frame = UnsafeMutableRawBufferPointer(start: memory + count, count: bytes)
    // The padding, if there is one; what follows covers the rest of the word.
    frame.store(UInt64(0), at: bytes - 8)
    frame.store(UInt32(length), at: 0)
    frame.store(UInt32(0), at: 4)
    frame.store(lsn, at: 8)
    frame.store(UInt64(0), at: 16)
    frame.store(UInt32(kind.rawValue), at: 24)
    frame.store(UInt32(keyLength), at: 28)
    payload.withUnsafeBytes { UnsafeMutableRawBufferPointer(rebasing: frame[32..<length]).copyMemory(from: $0) }
    count += bytes
  }

  func withUnsafeMutableBytes<R>(_ body: (UnsafeMutableRawBufferPointer) -> R) -> R {
    body(UnsafeMutableRawBufferPointer(start: memory, count: count))
  }

  private func grow(_ bytes: Int) {
    capacity = max(bytes, 2 * capacity)
    let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 8)
    larger.copyMemory(from: memory, byteCount: count)
    memory.deallocate()
    memory = larger
  }
}
