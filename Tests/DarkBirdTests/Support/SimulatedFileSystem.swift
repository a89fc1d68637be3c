import Foundation

@testable import DarkBird

/// A disk in memory that forgets what was not synced, fails on request, fills up, and can lose its power at any call.
///
/// - Contents and sizes of files become durable by `File.synchronize()`, names by `synchronizeDirectory(_:)`. If that fails, what
///   was to become durable never will, unless it is changed again.
/// - `crashImage(seed:)` is the disk after a power loss: of everything that is not durable, any subset is gone.
/// - `killImage()` is the disk after `kill -9`: all that was written is there, and what was unsynced still is.
/// - Inside, the images are independent of this file system, which goes on.
final class SimulatedFileSystem: FileSystem {
  private let state: Guarded<SimulatedState>

  init() { state = Guarded(SimulatedState()) }

  private init(_ state: SimulatedState) { self.state = Guarded(state) }

  // MARK: Images, made under the lock: a copy of the state would be let go of by whoever is the last to have it

  func crashImage(seed: UInt64) -> SimulatedFileSystem {
    var generator = SeededGenerator(seed: seed)
    return state.withLock { SimulatedFileSystem($0.afterPowerLoss(using: &generator)) }
  }

  func killImage() -> SimulatedFileSystem { state.withLock { SimulatedFileSystem($0.withoutProcess()) } }

  // MARK: Faults

  func plan(_ faults: SimulatedFault...) { state.withLock { $0.faults.append(contentsOf: faults) } }

  /// Whether there is a planned fault that can still strike.
  var hasFaults: Bool { state.withLock { $0.faults.contains { $0.times > 0 } } }

  /// Whether there is a planned fault that has not struck yet.
  var hasUntouchedFaults: Bool { state.withLock { $0.faults.contains { !$0.hasStruck } } }

  func clearFaults() { state.withLock { $0.faults = [] } }

  /// All files together may have this many bytes; nil for no limit.
  var bytesMax: Int? {
    get { state.withLock { $0.bytesMax } }
    set { state.withLock { $0.bytesMax = newValue } }
  }

  /// As many threads may run at a time.
  var threadsMax: Int {
    get { state.withLock { $0.threadsMax } }
    set { state.withLock { $0.threadsMax = newValue } }
  }

  var bytesUsed: Int { state.withLock { $0.bytesUsed } }

  /// Every call from the next on fails with `EIO`: the power is off, what happens now reaches no disk.
  func powerOff() { state.withLock { $0.isPoweredOff = true } }

  /// Called before each call with the number of calls before it, outside the lock: it may take images.
  func observe(_ observer: (@Sendable (_ number: Int, _ call: SimulatedCall, _ path: String) -> Void)?) {
    state.withLock { $0.observer = observer }
  }

  var callCount: Int { state.withLock { $0.callCount } }

  func callCount(_ call: SimulatedCall) -> Int { state.withLock { $0.callCounts[call] ?? 0 } }

  /// The last calls, faults and images, also those of the disks that this is an image of; for the message of a failure.
  var trace: String { state.withLock { $0.trace } }

  var openFileCount: Int { state.withLock { $0.handles.count } }
  /// Those that were opened for reading only: of readers, not of the thread that writes the log and makes its next page.
  var readerCount: Int { state.withLock { $0.handles.values.count { !$0.isWritable } } }

  // MARK: Looking at the disk and damaging it

  /// The bytes of all files by path, as reads see them.
  var files: [String: [UInt8]] {
    state.withLock { state in
      var result: [String: [UInt8]] = [:]
      for (path, directory) in state.directories {
        for case (let name, .file(let number)) in directory.entries {
          result[SimulatedState.join(path, name)] = state.files[number]?.contents.bytes
        }
      }
      return result
    }
  }

  /// Makes, or replaces the contents of, a file, durably. Missing directories are made.
  func setFile(_ path: String, _ bytes: [UInt8]) {
    state.withLock { $0.setFile(path, bytes) }
  }

  func deleteFile(_ path: String) {
    state.withLock { state in
      let (parent, name) = SimulatedState.split(path)
      state.directories[parent]?.entries[name] = nil
      state.directories[parent]?.durableEntries[name] = nil
    }
  }

  // MARK: FileSystem

  func createDirectory(_ path: String) throws(SystemError) {
    try call(.createDirectory, path) { (state) throws(SystemError) in try state.createDirectory(path) }
  }

  func list(_ path: String) throws(SystemError) -> [String] {
    try call(.list, path) { (state) throws(SystemError) in try state.list(path) }
  }

  func exists(_ path: String) throws(SystemError) -> Bool {
    try call(.exists, path) { (state) in (try? state.entry(path, .exists)) != nil }
  }

  func open(_ path: String, _ mode: FileMode) throws(SystemError) -> any File {
    let handle = try call(.open, path) { (state) throws(SystemError) in try state.open(path, mode) }
    return SimulatedFile(self, handle: handle, path: path)
  }

  func rename(_ from: String, to: String) throws(SystemError) {
    try call(.rename, from) { (state) throws(SystemError) in try state.rename(from, to: to) }
  }

  func remove(_ path: String) throws(SystemError) {
    try call(.remove, path) { (state) throws(SystemError) in try state.remove(path) }
  }

  func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
    // Those that load a store are over for it a moment before they end.
    if name == "darkbird log" { _ = eventually(within: 10) { state.withLock { $0.threads < $0.threadsMax } } }
    try call(.startThread, name) { (state) throws(SystemError) in
      if state.threads >= state.threadsMax { throw SystemError(code: EAGAIN, call: "startThread", path: name) }
      state.threads += 1
    }
    do {
      try DarkBird.startThread(name) { [self] in
        body()
        state.withLock { $0.threads -= 1 }
      }
    } catch {
      state.withLock { $0.threads -= 1 }
      throw error
    }
  }

  func synchronizeDirectory(_ path: String) throws(SystemError) {
    try call(.synchronizeDirectory, path) { (state) throws(SystemError) in try state.synchronizeDirectory(path) }
  }

  /// One call of the seam: counted, shown to the observer, failed if that is planned, else done. A sync that fails
  /// forgets what was dirty in the file of the handle, or which names have changed in the directory.
  fileprivate func call<Result>(
    _ call: SimulatedCall, _ path: String,
    forgetting handle: Int? = nil,
    _ body: (inout SimulatedState) throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    try self.call(call, path, forgetting: handle) { (state, _) throws(SystemError) in try body(&state) }
  }

  fileprivate func call<Result>(
    _ call: SimulatedCall, _ path: String,
    forgetting handle: Int? = nil,
    _ body: (inout SimulatedState, _ bytesMax: Int) throws(SystemError) -> Result
  ) throws(SystemError) -> Result {
    let (number, observer) = state.withLock { ($0.count(call, path), $0.observer) }
    observer?(number, call, path)
    return try state.withLock { (state) throws(SystemError) in
      var bytesMax = Int.max
      switch state.effect(on: call, path: path) {
      case .error(let code):
        if let handle { state.failToSynchronize(handle) }
        if call == .synchronizeDirectory { state.failToSynchronizeDirectory(path) }
        throw SystemError(code: code, call: call.rawValue, path: path)
      case .short(let bytes): bytesMax = bytes
      case nil: break
      }
      return try body(&state, bytesMax)
    }
  }

  fileprivate func release(_ handle: Int) { state.withLock { $0.close(handle) } }
}

/// An open simulated file.
final class SimulatedFile: File {
  private let fileSystem: SimulatedFileSystem
  private let handle: Int
  private let path: String

  fileprivate init(_ fileSystem: SimulatedFileSystem, handle: Int, path: String) {
    self.fileSystem = fileSystem
    self.handle = handle
    self.path = path
  }

  deinit { close() }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    try fileSystem.call(.read, path) { (state, bytesMax) throws(SystemError) in
      let number = try state.file(handle, .read, path, forWriting: false)
      let part = UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(bytesMax))
      return state.files[number]?.contents.read(into: part, at: offset) ?? 0
    }
  }

  func write(_ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemError) -> Int {
    try fileSystem.call(.write, path) { (state, bytesMax) throws(SystemError) in
      let number = try state.file(handle, .write, path, forWriting: true)
      let room = try state.room(growing: number, to: offset + bytes.count, .write, path)
      guard room > offset || bytes.isEmpty else { throw SystemError(code: ENOSPC, call: "write", path: path) }
      let part = UnsafeRawBufferPointer(rebasing: bytes.prefix(min(bytesMax, room - offset)))
      state.files[number]?.contents.write(part, at: offset)
      return part.count
    }
  }

  func allocate(at offset: Int, length: Int) throws(SystemError) {
    try fileSystem.call(.allocate, path) { (state) throws(SystemError) in
      let number = try state.file(handle, .allocate, path, forWriting: true)
      guard try state.room(growing: number, to: offset + length, .allocate, path) == offset + length else {
        throw SystemError(code: ENOSPC, call: "allocate", path: path)
      }
      state.files[number]?.contents.grow(to: offset + length)
    }
  }

  var isFirstWriteSlow: Bool { true }

  func truncate(to size: Int) throws(SystemError) {
    try fileSystem.call(.truncate, path) { (state) throws(SystemError) in
      let number = try state.file(handle, .truncate, path, forWriting: true)
      state.files[number]?.contents.truncate(to: size)
    }
  }

  func synchronize() throws(SystemError) {
    try fileSystem.call(.synchronize, path, forgetting: handle) { (state) throws(SystemError) in
      let number = try state.file(handle, .synchronize, path, forWriting: false)
      state.files[number]?.contents.synchronize()
    }
  }

  func size() throws(SystemError) -> Int {
    try fileSystem.call(.size, path) { (state) throws(SystemError) in
      state.files[try state.file(handle, .size, path, forWriting: false)]?.contents.size ?? 0
    }
  }

  func tryLock(exclusive: Bool) throws(SystemError) -> Bool {
    try fileSystem.call(.tryLock, path) { (state) throws(SystemError) in
      try state.tryLock(handle, exclusive: exclusive, path)
    }
  }

  func hasItsName() throws(SystemError) -> Bool {
    try fileSystem.call(.exists, path) { (state) throws(SystemError) in
      guard case .file(let number)? = try state.entry(path, .exists) else { return false }
      return try state.file(handle, .exists, path, forWriting: false) == number
    }
  }

  func close() { fileSystem.release(handle) }
}
