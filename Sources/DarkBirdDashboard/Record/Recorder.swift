import Dispatch
import Foundation
import Synchronization

/// Writes samples to a file while it is asked to, on a queue of its own: a slow disk must hold up neither who takes samples nor
/// who draws them. A whole frame at a time goes to the system: what the file has is good even if the program is killed.
final class Recorder: Sendable {
  /// Samples that may wait for the disk, half a minute of them; the others are left out, and counted.
  static let waitingMax = 300

  private struct State {
    /// What the screen shows; a recording begins with it, however soon it ends.
    var latest: (sample: Sample, lines: [EventLine])?
    var file: RecordingFile?
    /// What was written since the last sample, to be recorded with the next one.
    var notes: [Sample.Note] = []
  }

  private let state = Mutex(State())
  private let queue: DispatchQueue
  private let identity: SourceIdentity
  private let notify: @Sendable (String?, String) -> Void

  /// - Parameters:
  ///   - queue: serial; where the disk is waited for.
  ///   - notify: gets the path of the recording that goes on, or nil, and a line for people.
  init(
    identity: SourceIdentity, queue: DispatchQueue = DispatchQueue(label: "darkbird.recorder"),
    notify: @escaping @Sendable (_ path: String?, String) -> Void
  ) {
    self.identity = identity
    self.queue = queue
    self.notify = notify
  }

  /// Begins a file of that name, which must not exist yet.
  func start(_ path: String) {
    state.withLock { state in
      guard state.file == nil else { return }
      let file = RecordingFile(path)
      state.file = file
      state.notes = []
      let first = state.latest
      queue.async { [self] in
        do throws(RecordingFile.Failure) {
          try file.open(identity, first)
          notify(path, "recording to \(path); the same key ends it")
        } catch {
          forget(file)
          notify(nil, "cannot record to \(path): \(error.reason)")
        }
      }
    }
  }

  func stop() {
    state.withLock { state in
      guard let file = state.file else { return }
      state.file = nil
      queue.async { [self] in
        guard let figures = file.end() else { return }
        notify(nil, "\(figures), are in \(file.path); 'darkbird replay' shows them")
      }
    }
  }

  /// Waits until everything is written that was taken; at most two seconds, on a disk that does not answer.
  func finish() {
    let done = DispatchSemaphore(value: 0)
    queue.async { done.signal() }
    _ = done.wait(timeout: .now() + .seconds(2))
  }

  /// Keeps a note for the recording that goes on, if one does.
  func take(_ note: Sample.Note) { state.withLock { if $0.file != nil { $0.notes.append(note) } } }

  func take(_ sample: Sample, _ lines: [EventLine]) {
    state.withLock { state in
      state.latest = (sample, lines)
      guard let file = state.file, file.waits(Self.waitingMax) else { return }
      var sample = sample
      sample.notes = state.notes
      state.notes = []
      queue.async { [self, sample] in
        do throws(RecordingFile.Failure) {
          try file.append(sample, lines)
        } catch {
          forget(file)
          notify(nil, "\(file.path): \(error.reason); the recording has ended")
        }
      }
    }
  }

  /// Of a file that failed.
  private func forget(_ file: RecordingFile) {
    state.withLock { if $0.file === file { $0.file = nil } }
  }
}

/// One recording that is being written.
///
/// Unchecked: everything but the counters is only touched on the queue of the recorder.
private final class RecordingFile: @unchecked Sendable {
  struct Failure: Error {
    var code: Int32
    var reason: String { String(cString: strerror(code)) }
  }

  let path: String
  private var file: Int32?
  private var samples = 0
  private var bytes = 0
  private var encoder = RecordingEncoder()
  private let waiting = Atomic(0)
  private let lost = Atomic(0)

  init(_ path: String) { self.path = path }

  /// Counts a sample that is to be appended; false if too many wait already, which counts it as lost.
  func waits(_ most: Int) -> Bool {
    if waiting.add(1, ordering: .relaxed).newValue <= most { return true }
    waiting.subtract(1, ordering: .relaxed)
    lost.add(1, ordering: .relaxed)
    return false
  }

  /// - Throws: with nothing left of the file.
  func open(_ identity: SourceIdentity, _ first: (sample: Sample, lines: [EventLine])?) throws(Failure) {
    var encoder = RecordingEncoder()
    var identity = identity
    // An encoder takes what it is given.
    try? encoder.identity(&identity)
    let file = Foundation.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0o666)
    guard file >= 0 else { throw Failure(code: errno) }
    self.file = file
    do throws(Failure) {
      try write(RecordingFormat.start + RecordingFormat.frame(encoder.bytes), to: file)
      if let (sample, lines) = first { try encode(sample, lines, to: file) }
    } catch {
      close()
      unlink(path)
      throw error
    }
  }

  /// Without effect once it is closed.
  /// - Throws: with the file closed; what is in it stays good.
  func append(_ sample: Sample, _ lines: [EventLine]) throws(Failure) {
    waiting.subtract(1, ordering: .relaxed)
    guard let file else { return }
    do throws(Failure) {
      try encode(sample, lines, to: file)
    } catch {
      // Without the part of a frame that went in.
      ftruncate(file, off_t(bytes))
      close()
      throw error
    }
  }

  /// - Returns: what is in the file; nil if it was closed already.
  func end() -> String? {
    guard file != nil else { return nil }
    close()
    let lost = lost.load(ordering: .relaxed)
    let losses = lost > 0 ? " (\(Format.grouped(lost)) left out: the disk was too slow)" : ""
    return "\(Format.grouped(samples)) samples\(losses), \(Format.bytes(bytes))"
  }

  private func close() {
    if let file { Foundation.close(file) }
    file = nil
  }

  private func encode(_ sample: Sample, _ lines: [EventLine], to file: Int32) throws(Failure) {
    var (sample, lines) = (sample, lines)
    encoder.begin()
    try? encoder.sample(&sample, &lines)
    try write(RecordingFormat.frame(encoder.bytes), to: file)
    samples += 1
  }

  private func write(_ frame: [UInt8], to file: Int32) throws(Failure) {
    var rest = frame[...]
    while !rest.isEmpty {
      // The pointer is used within the call only.
      let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure(code: errno) }
      rest = rest.dropFirst(count)
    }
    bytes += frame.count
  }
}
