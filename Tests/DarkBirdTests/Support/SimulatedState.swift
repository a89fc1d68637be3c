import Foundation

@testable import DarkBird

/// What a simulated file system holds: a value, so that an image of it is a copy.
struct SimulatedState: Sendable {
  enum Entry: Sendable {
    case file(Int)
    case directory
  }

  /// A change of names that no `synchronizeDirectory` has made durable yet.
  enum Change: Sendable {
    case link(name: String, Entry)
    case unlink(name: String)
    case rename(from: String, to: String, Entry)

    var names: [String] {
      switch self {
      case .link(let name, _), .unlink(let name): [name]
      case .rename(let from, let to, _): [from, to]
      }
    }

    /// What it does to some names; nil if that is nothing.
    func part(on names: Set<String>) -> Change? {
      guard case .rename(let from, let to, let entry) = self, names.contains(from) != names.contains(to) else {
        return self.names.contains(where: names.contains) ? self : nil
      }
      return names.contains(from) ? .unlink(name: from) : .link(name: to, entry)
    }
  }

  struct Directory: Sendable {
    var entries: [String: Entry] = [:]
    var durableEntries: [String: Entry] = [:]
    var changes: [Change] = []
    /// Names that were to become durable when a sync failed: the system takes them for durable, no later sync makes them so.
    var forgotten: Set<String> = []
  }

  struct FileNode: Sendable {
    var contents = SimulatedContents()
    /// Handles that hold the advisory lock, and whether they share it.
    var lockHolders: [Int: Bool] = [:]
  }

  struct Handle: Sendable {
    var file: Int
    var isWritable: Bool
  }

  /// `/` and the working directory are there from the start, durably.
  var directories: [String: Directory] = ["/": Directory(), ".": Directory()]
  var files: [Int: FileNode] = [:]
  var handles: [Int: Handle] = [:]
  private var nextNumber = 1

  var faults: [SimulatedFault] = []
  var bytesMax: Int?
  var threads = 0
  var threadsMax = Int.max
  var isPoweredOff = false
  var callCount = 0
  var callCounts: [SimulatedCall: Int] = [:]
  /// The last calls and what became of them, also those before the power loss or kill that this is an image of.
  private var recentCalls: [@Sendable () -> String] = []
  var observer: (@Sendable (Int, SimulatedCall, String) -> Void)?

  var bytesUsed: Int { files.values.reduce(0) { $0 + $1.contents.size } }

  // MARK: Paths

  static func join(_ directory: String, _ name: String) -> String {
    directory == "." ? name : directory == "/" ? "/" + name : directory + "/" + name
  }

  static func trimmed(_ path: String) -> String {
    var bytes = path.utf8[...]
    while bytes.count > 1 && bytes.last == UInt8(ascii: "/") { bytes = bytes.dropLast() }
    return bytes.count == path.utf8.count ? path : String(Substring(bytes))
  }

  static func split(_ path: String) -> (parent: String, name: String) {
    let path = trimmed(path)
    guard let slash = path.lastIndex(of: "/") else { return (".", path) }
    let parent = path[..<slash]
    return (parent.isEmpty ? "/" : trimmed(String(parent)), String(path[path.index(after: slash)...]))
  }

  // MARK: Faults

  /// What happened last, oldest first, one line each; for the message of a failure.
  var trace: String { recentCalls.map { $0() }.joined(separator: "\n") }

  /// The text is made only if a test fails.
  mutating func note(_ what: @escaping @Sendable () -> String) {
    if recentCalls.count == 100 { recentCalls.removeFirst(50) }
    recentCalls.append(what)
  }

  mutating func count(_ call: SimulatedCall, _ path: String) -> Int {
    note { "  \(call.rawValue) \(path)" }
    callCounts[call, default: 0] += 1
    callCount += 1
    return callCount - 1
  }

  mutating func effect(on call: SimulatedCall, path: String) -> SimulatedFault.Effect? {
    if isPoweredOff { return .error(EIO) }
    for index in faults.indices {
      guard let effect = faults[index].strike(call, path: path) else { continue }
      note { "    suffers \(effect)" }
      return effect
    }
    return nil
  }

  /// How far the file may grow towards `size`: as far as there is space. Throws `ENOSPC` if not even a byte fits.
  func room(growing number: Int, to size: Int, _ call: SimulatedCall, _ path: String) throws(SystemError) -> Int {
    let present = files[number]?.contents.size ?? 0
    guard let bytesMax, size > present else { return size }
    let room = min(size, present + max(0, bytesMax - bytesUsed))
    guard room > present else { throw SystemError(code: ENOSPC, call: call.rawValue, path: path) }
    return room
  }

  // MARK: Names

  func entry(_ path: String, _ call: SimulatedCall) throws(SystemError) -> Entry? {
    if directories[Self.trimmed(path)] != nil { return .directory }
    let (parent, name) = Self.split(path)
    guard let directory = directories[parent] else { throw SystemError(code: ENOENT, call: call.rawValue, path: path) }
    return directory.entries[name]
  }

  private mutating func change(_ parent: String, _ change: Change) {
    switch change {
    case .link(let name, let entry): directories[parent]?.entries[name] = entry
    case .unlink(let name): directories[parent]?.entries[name] = nil
    case .rename(let from, let to, let entry):
      directories[parent]?.entries[from] = nil
      directories[parent]?.entries[to] = entry
    }
    directories[parent]?.changes.append(change)
    directories[parent]?.forgotten.subtract(change.names)
  }

  mutating func createDirectory(_ path: String) throws(SystemError) {
    switch try entry(path, .createDirectory) {
    case .directory: return
    case .file: throw SystemError(code: EEXIST, call: "createDirectory", path: path)
    case nil:
      let (parent, name) = Self.split(path)
      change(parent, .link(name: name, .directory))
      directories[Self.trimmed(path)] = Directory()
    }
  }

  func list(_ path: String) throws(SystemError) -> [String] {
    switch try entry(path, .list) {
    case .directory: return (directories[Self.trimmed(path)]?.entries.keys).map(Array.init) ?? []
    case .file: throw SystemError(code: ENOTDIR, call: "list", path: path)
    case nil: throw SystemError(code: ENOENT, call: "list", path: path)
    }
  }

  mutating func open(_ path: String, _ mode: FileMode) throws(SystemError) -> Int {
    let (parent, name) = Self.split(path)
    let file: Int
    switch (try entry(path, .open), mode) {
    case (.directory, _): throw SystemError(code: EISDIR, call: "open", path: path)
    case (.file, .createNew): throw SystemError(code: EEXIST, call: "open", path: path)
    case (.file(let number), _): file = number
    case (nil, .createIfMissing), (nil, .createOrTakeOver), (nil, .createNew):
      file = takeNumber()
      files[file] = FileNode()
      change(parent, .link(name: name, .file(file)))
    case (nil, _): throw SystemError(code: ENOENT, call: "open", path: path)
    }
    let handle = takeNumber()
    var isWritable = true
    if case .read = mode { isWritable = false }
    handles[handle] = Handle(file: file, isWritable: isWritable)
    return handle
  }

  mutating func rename(_ from: String, to: String) throws(SystemError) {
    guard case .file(let number)? = try entry(from, .rename) else {
      throw SystemError(code: ENOENT, call: "rename", path: from)
    }
    let (parent, name) = Self.split(from)
    let (newParent, newName) = Self.split(to)
    // One directory is all that a store ever renames in; a simulation of more would be guesswork.
    guard parent == newParent else { throw SystemError(code: EXDEV, call: "rename", path: from) }
    change(parent, .rename(from: name, to: newName, .file(number)))
    dropUnreachableFiles()
  }

  mutating func remove(_ path: String) throws(SystemError) {
    guard case .file? = try entry(path, .remove) else { throw SystemError(code: ENOENT, call: "remove", path: path) }
    let (parent, name) = Self.split(path)
    change(parent, .unlink(name: name))
    dropUnreachableFiles()
  }

  mutating func synchronizeDirectory(_ path: String) throws(SystemError) {
    let path = Self.trimmed(path)
    guard directories[path] != nil else {
      throw SystemError(code: ENOENT, call: "synchronizeDirectory", path: path)
    }
    directories[path]?.synchronize()
    dropUnreachableFiles()
  }

  mutating func failToSynchronizeDirectory(_ path: String) { directories[Self.trimmed(path)]?.failToSynchronize() }

  // MARK: Files

  func file(_ handle: Int, _ call: SimulatedCall, _ path: String, forWriting: Bool) throws(SystemError) -> Int {
    guard let open = handles[handle], open.isWritable || !forWriting else {
      throw SystemError(code: EBADF, call: call.rawValue, path: path)
    }
    return open.file
  }

  mutating func failToSynchronize(_ handle: Int) {
    guard let file = handles[handle]?.file else { return }
    files[file]?.contents.failToSynchronize()
  }

  mutating func tryLock(_ handle: Int, exclusive: Bool, _ path: String) throws(SystemError) -> Bool {
    let number = try file(handle, .tryLock, path, forWriting: false)
    let others = files[number]?.lockHolders.filter { $0.key != handle } ?? [:]
    guard others.isEmpty || (!exclusive && others.values.allSatisfy { $0 }) else { return false }
    files[number]?.lockHolders[handle] = !exclusive
    return true
  }

  mutating func close(_ handle: Int) {
    guard let file = handles.removeValue(forKey: handle)?.file else { return }
    files[file]?.lockHolders[handle] = nil
    dropUnreachableFiles()
  }

  mutating func setFile(_ path: String, _ bytes: [UInt8]) {
    let (parent, name) = Self.split(path)
    if directories[parent] == nil {
      let (grandparent, directory) = Self.split(parent)
      directories[grandparent]?.entries[directory] = .directory
      directories[grandparent]?.durableEntries[directory] = .directory
      directories[parent] = Directory()
    }
    let number = takeNumber()
    files[number] = FileNode(contents: SimulatedContents(durable: bytes))
    directories[parent]?.entries[name] = .file(number)
    directories[parent]?.durableEntries[name] = .file(number)
  }

  private mutating func takeNumber() -> Int {
    nextNumber += 1
    return nextNumber
  }

  /// Forgets files that no name, no durable name, no open handle and no unsynced change of names leads to.
  private mutating func dropUnreachableFiles() {
    var reachable = Set(handles.values.map(\.file))
    for directory in directories.values {
      for entries in [directory.entries, directory.durableEntries] {
        for case .file(let number) in entries.values { reachable.insert(number) }
      }
      for case .link(_, .file(let number)) in directory.changes { reachable.insert(number) }
    }
    if reachable.count < files.count { files = files.filter { reachable.contains($0.key) } }
  }

  // MARK: Images

  func withoutProcess() -> SimulatedState {
    var image = self
    image.handles = [:]
    for number in image.files.keys { image.files[number]?.lockHolders = [:] }
    image.faults = []
    image.bytesMax = nil
    (image.threads, image.threadsMax) = (0, .max)
    image.isPoweredOff = false
    image.callCount = 0
    image.callCounts = [:]
    image.observer = nil
    let directories = image.directories
    image.note { "  -- image: \(directories.mapValues { $0.changes })" }
    image.dropUnreachableFiles()
    return image
  }

  func afterPowerLoss(using generator: inout SeededGenerator) -> SimulatedState {
    var image = withoutProcess()
    for number in image.files.keys.sorted() {
      guard let contents = image.files[number]?.contents else { continue }
      image.files[number]?.contents = contents.afterPowerLoss(using: &generator)
    }
    for path in image.directories.keys.sorted() {
      guard let directory = image.directories[path] else { continue }
      let entries = directory.entriesAfterPowerLoss(using: &generator)
      image.directories[path] = Directory(entries: entries, durableEntries: entries)
    }
    image.dropLostDirectories()
    image.dropUnreachableFiles()
    let directories = image.directories
    image.note { "  -- power loss: \(directories.mapValues { $0.entries.keys.sorted() })" }
    return image
  }

  private mutating func dropLostDirectories() {
    // Parents sort before what they hold.
    for path in directories.keys.sorted() where path != "/" && path != "." {
      let (parent, name) = Self.split(path)
      if case .directory? = directories[parent]?.entries[name] { continue }
      directories[path] = nil
    }
  }
}

extension SimulatedState.Directory {
  mutating func synchronize() {
    var durable = entries
    for name in forgotten { durable[name] = durableEntries[name] }
    durableEntries = durable
    changes = changes.compactMap { [forgotten] in $0.part(on: forgotten) }
  }

  /// A sync that fails: nothing becomes durable, and no name that was to will be, unless it is given or taken away again.
  mutating func failToSynchronize() { forgotten.formUnion(changes.flatMap(\.names)) }

  /// The durable names with some of the unsynced changes: half the time the first ones, as a journal would keep them,
  /// half the time any of them, in their order.
  func entriesAfterPowerLoss(using generator: inout SeededGenerator) -> [String: SimulatedState.Entry] {
    var result = durableEntries
    let isJournaled = generator.chance(50)
    let kept = generator.below(changes.count + 1)
    for (index, change) in changes.enumerated() {
      guard isJournaled ? index < kept : generator.chance(50) else { continue }
      switch change {
      case .link(let name, let entry): result[name] = entry
      case .unlink(let name): result[name] = nil
      case .rename(let from, let to, let entry):
        result[from] = nil
        result[to] = entry
      }
    }
    return result
  }
}
