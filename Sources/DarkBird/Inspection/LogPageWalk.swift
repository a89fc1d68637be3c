import Foundation

/// What the walk through a page comes to.
enum LogPagePart {
  /// A frame whose checksum and content are right.
  case frame(LogFrame, offset: Int)
  /// Bytes that are no frame. `isLast` if no sound frame follows them in the page.
  case damage(offset: Int, bytes: Int, reason: String, isLast: Bool)
}

/// Reads the frames of a page however damaged it is: behind bytes that are no frame it looks for the next one that is.
///
/// For tools that look at, or save, what a store that does not open still holds. `scanLogPage` is what opens a store: it
/// stops at the first byte that is not as it was written.
struct LogPageWalk {
  let page: UnsafeRawBufferPointer
  let seed: UInt32
  /// Where the next part begins.
  private(set) var offset = LogFormat.headerBytes
  /// LSN of the last frame; that before the page's first one, or 0, if there was none yet.
  private(set) var lastLSN: UInt64
  private(set) var isSealed = false
  private var search: LogFrameSearch

  /// - Parameter lastLSN: of the page before, or 0 if it is not known.
  init(_ page: UnsafeRawBufferPointer, seed: UInt32, lastLSN: UInt64) {
    self.page = page
    self.seed = seed
    self.lastLSN = lastLSN
    search = LogFrameSearch(page, from: LogFormat.headerBytes, seed: seed)
  }

  /// What the search for frames behind damage has cost.
  var bytesChecksummed: Int { search.bytesChecksummed }

  /// Zeros behind the last part: room that was made for frames to come.
  var room: Int { max(0, page.count - offset) }

  /// Nil behind the seal, and where nothing but zeros follows.
  mutating func next() -> LogPagePart? {
    if let stray = strayBytes() { return stray }
    guard !isSealed, offset < page.count else { return nil }
    let reason: String
    switch LogFrame.parse(page, at: offset, seed: seed) {
    case .frame(let frame):
      guard let problem = problem(of: frame) else {
        defer { offset += frame.length }
        lastLSN = frame.lsn
        isSealed = frame.kind == .seal
        return .frame(frame, offset: offset)
      }
      reason = problem
    case .invalid(let problem), .malformed(let problem): reason = problem
    case .end:
      if search.endOfContent <= offset { return nil }
      reason = "no frame where one must be"
    }
    let start = offset
    let next = nextFrame()
    offset = next ?? max(start + 1, min(page.count, LogFormat.aligned(search.endOfContent)))
    return .damage(offset: start, bytes: offset - start, reason: reason, isLast: next == nil)
  }

  /// What must be zero and is not: the padding of the last frame, and all that follows a seal.
  private mutating func strayBytes() -> LogPagePart? {
    let paddingEnd = LogFormat.aligned(offset)
    if let stray = nonZeros(page, offset..<paddingEnd) {
      offset = paddingEnd
      return .damage(offset: stray.lowerBound, bytes: stray.count, reason: LogFrame.paddingReason, isLast: false)
    }
    offset = paddingEnd
    guard isSealed, let stray = nonZeros(page, offset..<max(offset, page.count)) else { return nil }
    offset = page.count
    return .damage(offset: stray.lowerBound, bytes: stray.count, reason: LogFrame.behindSealReason, isLast: false)
  }

  /// Whether the page has at least one sound frame.
  var hasFrame: Bool {
    if case .frame(let frame) = LogFrame.parse(page, at: offset, seed: seed), problem(of: frame) == nil { return true }
    var walk = self
    return walk.nextFrame() != nil
  }

  /// What contradicts the frames before, or itself, in a frame whose checksum is right.
  private func problem(of frame: LogFrame) -> String? {
    if let problem = frame.problem { return problem }
    if frame.lsn > LogFormat.lsnMaxForNewStores { return "a frame with an impossible LSN" }
    switch frame.kind {
    case .seal:
      if frame.payload.count != LogFormat.sealPayloadBytes { return "a seal of \(frame.payload.count) bytes" }
      return frame.lsn < lastLSN ? "a seal of LSN \(frame.lsn) follows LSN \(lastLSN)" : nil
    case .batch:
      if frame.keyLength > 0 { return "a batch with a key of its own" }
      do throws(LogBatchReader.Malformed) {
        _ = try LogBatchReader(frame.payload, lsn: frame.lsn, durableLSN: frame.durableLSN)
      } catch { return error.reason }
    case .put, .remove, .clear: break
    }
    return frame.lsn > lastLSN ? nil : "LSN \(frame.lsn) follows LSN \(lastLSN)"
  }

  /// Offset of the next sound frame behind `offset`.
  private mutating func nextFrame() -> Int? {
    var start = offset + 1
    while let (frame, found) = search.next(from: start, { [lastLSN] head, _ in head.lsn >= lastLSN }) {
      if problem(of: frame) == nil { return found }
      start = found + 8
    }
    return nil
  }
}

/// A page whose header may be damaged, and what is known of it all the same.
struct LogPageBeginning {
  /// Nil if it is damaged, or all zero.
  var header: LogPageHeader?
  /// Why there is no header; nil for a page that was made ahead of need and not begun.
  var problem: String?
  /// Version of the format, if it is one that this program does not know.
  var newerVersion: Int?
  var isUnused = false
  /// Bytes of a sound header that must be zero and are not.
  var strayBytes: Range<Int>? { header == nil ? nil : headerStrayBytes }
  private let headerStrayBytes: Range<Int>?
  private let store: UUID?
  private let sequence: UInt64

  /// - Parameters:
  ///   - sequence: the number in the page's name.
  ///   - stores: what the UUID of the store may be, the likeliest first.
  init(_ page: UnsafeRawBufferPointer, sequence: UInt64, stores: [UUID]) {
    headerStrayBytes = LogPageHeader.strayBytes(page)
    do throws(LogPageHeader.DecodingFailure) {
      let found = try LogPageHeader(page)
      header = found
      (store, self.sequence) = (found.store, found.sequence)
      return
    } catch {
      switch error {
      case .unused where isZero(page, from: 0): isUnused = true
      case .unused: problem = "the page header is missing"
      case .damaged(let reason): problem = reason
      case .newer(let version):
        problem = "written in format \(version)"
        newerVersion = version
      }
    }
    // What the frames were seeded with is in the name and in the other files; or the damage left it in the header.
    var (stores, sequences) = (stores, [sequence])
    if page.count >= 40 {
      var uuid = UUID().uuid
      withUnsafeMutableBytes(of: &uuid) { $0.copyBytes(from: page[16..<32]) }
      stores.append(UUID(uuid: uuid))
      if page.load64(at: 32) != sequence { sequences.append(page.load64(at: 32)) }
    }
    for store in stores {
      for sequence in sequences {
        let seed = LogPageHeader.frameSeed(store: store, sequence: sequence)
        if LogPageWalk(page, seed: seed, lastLSN: 0).hasFrame {
          (self.store, self.sequence) = (store, sequence)
          return
        }
      }
    }
    (store, self.sequence) = (stores.first, sequence)
  }

  func walk(_ page: UnsafeRawBufferPointer) -> LogPageWalk {
    let seed = store.map { LogPageHeader.frameSeed(store: $0, sequence: sequence) } ?? 0
    return LogPageWalk(page, seed: seed, lastLSN: (header?.firstLSN ?? 1) - 1)
  }
}
