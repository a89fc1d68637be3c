#if canImport(Darwin)
  import Darwin
#elseif canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#endif

/// An open descriptor that is read or written from its beginning to its end, such as a pipe, as a file of the seam. Whoever uses
/// it names each offset in turn.
///
/// Unchecked: the offset is only touched by its one user, one thread at a time.
package final class PipeFile: File, @unchecked Sendable {
  private let descriptor: Int32
  private let name: String
  private let isOwned: Bool
  private var offset = 0

  /// - Parameters:
  ///   - descriptor: stays the caller's, open or not.
  ///   - name: for messages.
  package init(_ descriptor: Int32, name: String) {
    self.descriptor = descriptor
    self.name = name
    isOwned = false
  }

  /// Opens a file to read it from its beginning to its end; of a named pipe, waits for a writer.
  init(reading path: String) throws(SystemError) {
    descriptor = retrying { openDescriptor(path, O_RDONLY | O_CLOEXEC) }
    if descriptor < 0 { throw SystemError("open", path) }
    name = path
    isOwned = true
  }

  deinit {
    if isOwned { _ = closeDescriptor(descriptor) }
  }

  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    precondition(offset == self.offset, "a pipe is read in order")
    while true {
      #if canImport(Darwin)
        let count = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
      #elseif canImport(Glibc)
        let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
      #elseif canImport(Musl)
        let count = Musl.read(descriptor, buffer.baseAddress, buffer.count)
      #endif
      if count >= 0 {
        self.offset += count
        return count
      }
      let code = errno
      if !waitIfBlocked(descriptor, POLLIN, code) { throw SystemError(code: code, call: "read", path: name) }
    }
  }

  package func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    precondition(offset == self.offset, "a pipe is written in order")
    while true {
      #if canImport(Darwin)
        let count = Darwin.write(descriptor, bytes.baseAddress, bytes.count)
      #elseif canImport(Glibc)
        let count = Glibc.write(descriptor, bytes.baseAddress, bytes.count)
      #elseif canImport(Musl)
        let count = Musl.write(descriptor, bytes.baseAddress, bytes.count)
      #endif
      if count >= 0 {
        self.offset += count
        return count
      }
      let code = errno
      if !waitIfBlocked(descriptor, POLLOUT, code) { throw SystemError(code: code, call: "write", path: name) }
    }
  }

  package func allocate(at offset: Int, length: Int) throws(SystemError) { throw refuse("allocate") }
  package func truncate(to size: Int) throws(SystemError) { throw refuse("truncate") }
  /// What was written is with the reader.
  package func synchronize() {}
  package func size() throws(SystemError) -> Int { throw refuse("size") }
  package func tryLock(exclusive: Bool) throws(SystemError) -> Bool { throw refuse("lock") }
  package func close() {}

  private func refuse(_ call: String) -> SystemError { SystemError(code: ESPIPE, call: call, path: name) }
}

/// After a call on a pipe or a terminal has failed: waits for what it lacked, if that is all.
/// - Returns: whether the call is to be made again.
package func waitIfBlocked(_ descriptor: Int32, _ events: Int32, _ errorNumber: Int32) -> Bool {
  if errorNumber == EINTR { return true }
  guard errorNumber == EAGAIN || errorNumber == EWOULDBLOCK else { return false }
  var wanted = pollfd(fd: descriptor, events: Int16(events), revents: 0)
  _ = poll(&wanted, 1, -1)
  return true
}
