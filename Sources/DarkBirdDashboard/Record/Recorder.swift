import Foundation
import Synchronization

/// Writes samples to a file while it is asked to, on the thread that takes them. A whole frame at a time goes to the system:
/// what the file has is good even if the program is killed.
final class Recorder: Sendable {
  private struct State {
    /// What the screen shows; a recording begins with it, however soon it ends.
    var latest: (sample: Sample, lines: [EventLine])?
    var file: Int32?
    var path = ""
    var samples = 0
    var bytes = 0
    var encoder = RecordingEncoder()
  }

  private let state = Mutex(State())
  private let identity: SourceIdentity
  private let notify: @Sendable (String?, String) -> Void

  /// - Parameter notify: gets the path of the recording that goes on, or nil, and a line for people.
  init(identity: SourceIdentity, notify: @escaping @Sendable (_ path: String?, String) -> Void) {
    self.identity = identity
    self.notify = notify
  }

  /// Begins a file of that name, which must not exist yet.
  func start(_ path: String) {
    var encoder = RecordingEncoder()
    var identity = identity
    // An encoder takes what it is given.
    try? encoder.identity(&identity)
    let header = RecordingFormat.start + RecordingFormat.frame(encoder.bytes)
    let failure: Int32? = state.withLock { state in
      guard state.file == nil else { return nil }
      let file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0o666)
      guard file >= 0 else { return errno }
      if let failure = Self.write(header, to: file) {
        close(file)
        unlink(path)
        return failure
      }
      state = State(latest: state.latest, file: file, path: path, bytes: header.count)
      if let (sample, lines) = state.latest, let failure = Self.append(sample, lines, to: file, &state) {
        close(file)
        unlink(path)
        state = State(latest: state.latest)
        return failure
      }
      return nil
    }
    if let failure {
      notify(nil, "cannot record to \(path): \(String(cString: strerror(failure)))")
    } else {
      notify(path, "recording to \(path); R ends it")
    }
  }

  func stop() {
    let ended: State? = state.withLock { state in
      guard let file = state.file else { return nil }
      close(file)
      defer { state = State(latest: state.latest) }
      return state
    }
    guard let ended else { return }
    let figures = "\(Format.grouped(ended.samples)) samples, \(Format.bytes(ended.bytes))"
    notify(nil, "\(figures), are in \(ended.path); 'darkbird replay' shows them")
  }

  func take(_ sample: Sample, _ lines: [EventLine]) {
    let failure: String? = state.withLock { state in
      state.latest = (sample, lines)
      guard let file = state.file, let failure = Self.append(sample, lines, to: file, &state) else { return nil }
      let reason = "\(state.path): \(String(cString: strerror(failure))); the recording has ended"
      close(file)
      state = State(latest: state.latest)
      return reason
    }
    if let failure { notify(nil, failure) }
  }

  /// - Returns: why not all of it was written.
  private static func append(
    _ sample: Sample, _ lines: [EventLine], to file: Int32, _ state: inout State
  ) -> Int32? {
    var (sample, lines) = (sample, lines)
    state.encoder.begin()
    try? state.encoder.sample(&sample, &lines)
    let frame = RecordingFormat.frame(state.encoder.bytes)
    if let failure = write(frame, to: file) { return failure }
    state.samples += 1
    state.bytes += frame.count
    return nil
  }

  /// - Returns: why not all of it was written.
  private static func write(_ bytes: [UInt8], to file: Int32) -> Int32? {
    var rest = bytes[...]
    while !rest.isEmpty {
      // The pointer is used within the call only.
      let count = rest.withUnsafeBytes { Foundation.write(file, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return errno }
      rest = rest.dropFirst(count)
    }
    return nil
  }
}
