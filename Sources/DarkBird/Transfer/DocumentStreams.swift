/// What documents go to, one after the other: a file of some form, a program, a table of your own.
///
///     struct Lines: DocumentSink {
///       mutating func write(key: Value, _ document: Record) { print(key, document) }
///     }
///     try store.copy(to: Lines())
public protocol DocumentSink {
  /// Before the first document.
  mutating func begin() throws
  mutating func write(key: Value, _ document: Record) throws
  /// After the last one, unless something failed.
  mutating func finish() throws
}

extension DocumentSink {
  public mutating func begin() throws {}
  public mutating func finish() throws {}
}

/// What documents come from.
public protocol DocumentSource {
  /// Nil after the last one.
  /// - Throws: `RefusedDocument` for one that cannot be taken, after which the next can be asked for; anything else ends it.
  mutating func next() throws -> (key: Value, document: Record)?
}

/// One document that cannot come into a store, while the others can.
public struct RefusedDocument: Error, Hashable, Sendable, CustomStringConvertible {
  /// Which one, in the words of where it comes from: `row 17`, `document ada`.
  public var place: String
  public var reason: String

  public init(place: String, reason: String) {
    self.place = place
    self.reason = reason
  }

  public var description: String { "\(place): \(reason)" }
}

/// What `Store.load(from:)` did.
public struct LoadReport: Sendable, Hashable, Codable {
  /// Documents that are in the store now.
  public var loaded = 0
  /// How many of them replaced one with the same key.
  public var replaced = 0
  /// Documents that could not be taken, each of which was reported.
  public var refused = 0

  public init() {}
}

extension Store {
  /// Hands all documents, as they are at one moment, to a sink. Writes and reads go on meanwhile.
  ///
  /// Old versions of documents that are replaced meanwhile stay in memory until it is done.
  /// - Parameter progress: called now and then; false gives up. What the sink got it keeps.
  /// - Returns: the sink after the last document.
  /// - Throws: what the sink throws, `.cancelled`, `.encodingFailed`.
  /// - Complexity: O(shards), during which everything waits, and O(documents).
  @discardableResult
  public func copy<Sink: DocumentSink>(
    to sink: Sink, progress: (JobProgress) -> Bool = { _ in true }
  ) throws -> Sink {
    let frozen = snapshot()
    let total = frozen.count
    var sink = sink
    var documents = 0
    try sink.begin()
    for shard in frozen.shards {
      for entry in shard.contents.pointee.map.entries {
        let record: Record
        do throws(StoreError) { record = try Self.record(entry.document) } catch { throw error.about(entry.key) }
        try sink.write(key: try Self.value(entry.key), record)
        documents += 1
        if documents % 1_024 == 0, !progress(JobProgress(documents: documents, total: total)) {
          throw StoreError.cancelled
        }
      }
    }
    try sink.finish()
    return sink
  }

  /// Puts all documents of a source into the store; one whose key is there already is replaced. When it returns, they are
  /// durable. It may be repeated.
  ///
  /// - Parameters:
  ///   - refusal: told each document that cannot come in: because it is not of the store's types, or because another one has
  ///     its unique value. The others go on.
  ///   - progress: called now and then; false gives up. What was loaded stays.
  /// - Throws: what the source throws, `.cancelled`, and what `put` throws for any document: `.readOnly`, `.closed`,
  ///   `.tooManyDocuments`, `.diskFull`, `.io`, `.poisoned`.
  @discardableResult
  public func load(
    from source: some DocumentSource, refusal: (RefusedDocument) -> Void = { _ in },
    progress: (LoadReport) -> Bool = { _ in true }
  ) throws -> LoadReport {
    var source = source
    var report = LoadReport()
    while true {
      do {
        guard let (key, document) = try source.next() else { break }
        if try load(key, document) { report.replaced += 1 }
        report.loaded += 1
      } catch let refused as RefusedDocument {
        report.refused += 1
        refusal(refused)
      }
      if (report.loaded + report.refused) % 256 == 0, !progress(report) { throw StoreError.cancelled }
    }
    try sync()
    return report
  }

  /// Whether there was a document under the key.
  private func load(_ key: Value, _ document: Record) throws -> Bool {
    func refused(_ reason: String) -> RefusedDocument { RefusedDocument(place: "document \(key)", reason: reason) }
    let own: (key: Key, document: Document)
    do {
      own = (try Self.key(key), try Self.document(document))
    } catch {
      throw refused("not of the store's type: \(error)")
    }
    do throws(StoreError) {
      return try put(own.document, for: own.key, ack: .memory) != nil
    } catch {
      switch error {
      case .duplicate, .tooLarge, .invalidIndexValue, .encodingFailed: throw refused(error.description)
      default: throw error
      }
    }
  }

  // MARK: Between types and records

  /// A key as tools see it that do not know its type.
  /// - Throws: `.encodingFailed`.
  static func value(_ key: Key) throws(StoreError) -> Value {
    if let value = key as? Value { return value }
    var writer = CBORWriter()
    do {
      try key.encode(cbor: &writer)
      return try CBORReader.read(writer.bytes) { try $0.readValue() }
    } catch { throw .encodingFailed(reason: "a key: \(error)") }
  }

  /// - Throws: `.encodingFailed`.
  static func record(_ document: Document) throws(StoreError) -> Record {
    if let record = document as? Record { return record }
    var writer = CBORWriter()
    do {
      try document.encode(cbor: &writer)
      return try CBORReader.read(writer.bytes) { try $0.readRecord() }
    } catch { throw .encodingFailed(reason: "\(error)") }
  }

  static func key(_ value: Value) throws -> Key {
    if let key = value as? Key { return key }
    var writer = CBORWriter()
    try writer.write(value)
    return try CBORReader.read(writer.bytes) { try Key(cbor: &$0) }
  }

  static func document(_ record: Record) throws -> Document {
    if let document = record as? Document { return document }
    var writer = CBORWriter()
    try writer.write(record)
    return try CBORReader.read(writer.bytes) { try Document(cbor: &$0) }
  }
}
