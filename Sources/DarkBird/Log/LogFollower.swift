/// Reads the records of a log that is at work, in order, from any LSN on that its pages still have: only what was written, and
/// some 64 KiB at a time.
///
/// It takes no lock that a writer waits for and keeps no page from being removed: the one it has open is read to its end, and
/// one that a checkpoint took away before is an error that says so.
struct LogFollower {
  /// Bytes read at once; more for a record that is longer.
  private static let readBytes = 64 << 10

  private struct Page {
    let file: any File
    let sequence: UInt64
    let firstLSN: UInt64
    let seed: UInt32
    let path: String
  }

  private let log: Log
  private let directory: String
  private let fileSystem: any FileSystem
  private var page: Page
  /// File offset of the next frame.
  private var offset = LogFormat.headerBytes
  /// Of the last record that was handed out, or of the one to begin after.
  private(set) var lastLSN: UInt64

  /// - Parameter lsn: of the record after which to begin; it must have been written.
  /// - Throws: `.logTruncated`, `.corrupt`, `.io`.
  /// - Complexity: O(log pages + bytes of the page up to `lsn`).
  init(_ log: Log, _ directory: String, _ fileSystem: any FileSystem, after lsn: UInt64) throws(StoreError) {
    self.log = log
    self.directory = directory
    self.fileSystem = fileSystem
    page = try Self.page(of: lsn + 1, log, directory, fileSystem)
    lastLSN = page.firstLSN - 1
    while lastLSN < lsn { try read(through: lsn) { _ in } }
  }

  /// Hands out the next records, at least one, and none beyond `target`.
  ///
  /// - Parameters:
  ///   - target: must have been written, and be beyond `lastLSN`.
  ///   - body: gets each record; the operations of a batch one by one, all in the same call.
  /// - Throws: `.logTruncated`, `.corrupt`, `.io`; what `body` throws.
  mutating func read(
    through target: UInt64, _ body: (LogRecord) throws(StoreError) -> Void
  ) throws(StoreError) {
    let start = lastLSN
    while lastLSN == start {
      var count = Self.readBytes
      var bytes = try readBytes(count)
      // The length of a frame is the first thing in it.
      if bytes.count >= 4 {
        count = bytes.withUnsafeBytes { Int($0.load32(at: 0)) }
        if count > bytes.count { bytes = try readBytes(min(count, bytesLeft())) }
      }
      let result = bytes.withUnsafeBytes { raw -> Result<Void, StoreError> in
        do throws(StoreError) {
          return .success(try readFrames(raw, through: target, body))
        } catch {
          return .failure(error)
        }
      }
      try result.get()
    }
  }

  /// Hands out the records in `bytes`, which begin at `offset`.
  private mutating func readFrames(
    _ bytes: UnsafeRawBufferPointer, through target: UInt64, _ body: (LogRecord) throws(StoreError) -> Void
  ) throws(StoreError) {
    let start = offset
    while lastLSN < target {
      let position = offset - start
      let isFirst = position == 0
      // The rest of a frame that goes beyond what was read comes with the next call.
      if !isFirst, position + 4 > bytes.count || position + Int(bytes.load32(at: position)) > bytes.count { return }
      let frame: LogFrame
      switch LogFrame.parse(bytes, at: position, seed: page.seed) {
      case .frame(let found): frame = found
      case .end: throw corrupt("no frame where one must be")
      case .invalid(let reason), .malformed(let reason): throw corrupt(reason)
      }
      if frame.kind == .seal {
        try openNextPage()
        return
      }
      guard frame.lsn == lastLSN + 1 else { throw corrupt("LSN \(frame.lsn) follows LSN \(lastLSN)") }
      if frame.kind == .batch {
        var operations = try operations(of: frame, at: offset, page.path)
        while let record = operations.next() { try body(record) }
      } else {
        try body(frame.record)
      }
      lastLSN = frame.lsn
      offset += LogFormat.aligned(frame.length)
    }
  }

  private func readBytes(_ count: Int) throws(StoreError) -> [UInt8] {
    do throws(SystemError) {
      return try page.file.readAll(at: offset, count: count)
    } catch {
      throw StoreError(error)
    }
  }

  /// Behind `offset`: a damaged length may be anything.
  private func bytesLeft() throws(StoreError) -> Int {
    do throws(SystemError) {
      return max(0, try page.file.size() - offset)
    } catch {
      throw StoreError(error)
    }
  }

  private func corrupt(_ reason: String) -> StoreError {
    .corrupt(path: page.path, offset: offset, reason: reason)
  }

  // MARK: Pages

  private mutating func openNextPage() throws(StoreError) {
    let next: Page
    do throws(StoreError) {
      next = try Self.open(page.sequence + 1, log, directory, fileSystem)
    } catch {
      throw log.firstPage > page.sequence + 1 ? try Self.truncated(after: lastLSN, log, directory, fileSystem) : error
    }
    guard next.firstLSN == lastLSN + 1 else {
      throw .corrupt(path: next.path, offset: 40, reason: "begins at LSN \(next.firstLSN) after LSN \(lastLSN)")
    }
    page.file.close()
    page = next
    offset = LogFormat.headerBytes
  }

  /// The page that has, or will have, the record `lsn`.
  private static func page(
    of lsn: UInt64, _ log: Log, _ directory: String, _ fileSystem: any FileSystem
  ) throws(StoreError) -> Page {
    search: while true {
      let first = try firstPage(log, directory, fileSystem)
      guard first.firstLSN <= lsn else { throw .logTruncated(from: lsn - 1, firstAvailable: first.firstLSN) }
      var found = first
      var end = log.pageInUse + 1
      while end - found.sequence > 1 {
        let middle = found.sequence + (end - found.sequence) / 2
        // One that cannot be read has not been begun. If there is another reason, its turn comes when it is needed.
        if let page = try? open(middle, log, directory, fileSystem), page.firstLSN <= lsn {
          found = page
        } else {
          if log.firstPage > middle { continue search }
          end = middle
        }
      }
      return found
    }
  }

  private static func firstPage(
    _ log: Log, _ directory: String, _ fileSystem: any FileSystem
  ) throws(StoreError) -> Page {
    while true {
      let sequence = log.firstPage
      do throws(StoreError) {
        return try open(sequence, log, directory, fileSystem)
      } catch {
        // Otherwise a checkpoint took it away.
        if log.firstPage == sequence { throw error }
      }
    }
  }

  private static func truncated(
    after lsn: UInt64, _ log: Log, _ directory: String, _ fileSystem: any FileSystem
  ) throws(StoreError) -> StoreError {
    .logTruncated(from: lsn, firstAvailable: try firstPage(log, directory, fileSystem).firstLSN)
  }

  private static func open(
    _ sequence: UInt64, _ log: Log, _ directory: String, _ fileSystem: any FileSystem
  ) throws(StoreError) -> Page {
    let path = "\(directory)/\(LogFormat.pageName(sequence))"
    let file: any File
    let bytes: [UInt8]
    do throws(SystemError) {
      file = try fileSystem.open(path, .read)
      bytes = try file.readAll(at: 0, count: LogFormat.headerBytes)
    } catch {
      throw StoreError(error)
    }
    let store = log.settings.store
    let result = bytes.withUnsafeBytes { raw -> Result<LogPageHeader, LogPageHeader.DecodingFailure> in
      do throws(LogPageHeader.DecodingFailure) { return .success(try LogPageHeader(raw)) } catch {
        return .failure(error)
      }
    }
    guard case .success(let header) = result, header.store == store, header.sequence == sequence else {
      file.close()
      throw .corrupt(path: path, offset: 0, reason: "not the header of page \(sequence)")
    }
    return Page(
      file: file, sequence: sequence, firstLSN: header.firstLSN,
      seed: LogPageHeader.frameSeed(store: store, sequence: sequence), path: path)
  }
}
