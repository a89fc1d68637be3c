public import Foundation

/// The parts of a store's files, as `StoreInspector.dump` hands them out. Offsets and sizes are bytes from the beginning of
/// the file `file`, a name in the store's directory. The format is in the article <doc:FormatOnDisk>.
public enum StoreDump {
  /// One part of a file, in the order of the files and of their bytes.
  public enum Item: Sendable, Hashable {
    case manifest(Manifest)
    case checkpoint(Checkpoint)
    case block(Block)
    case footer(Footer)
    case page(Page)
    case frame(Frame)
    /// Zeros behind the last frame of a page: room for frames to come.
    case room(file: String, offset: Int, bytes: Int)
    case damage(Damage)
  }

  public struct Manifest: Sendable, Hashable {
    public var file: String
    /// In every file of the store.
    public var identifier: UUID
    /// Grows with every replacement of the manifest.
    public var generation: UInt64
    /// The checkpoint that the log continues; nil before the first.
    public var checkpointLSN: UInt64?
    /// The first page that the log needs.
    public var firstPage: UInt64
    /// The log is known to have reached this LSN.
    public var reachedLSN: UInt64
    public var schema: SchemaDescription
  }

  /// The header of a checkpoint.
  public struct Checkpoint: Sendable, Hashable {
    public var file: String
    public var identifier: UUID
    /// The log from here on makes the checkpoint whole.
    public var startLSN: UInt64
    public var checksum: UInt32
    /// Whether it is the one that the manifest names.
    public var isCurrent: Bool
  }

  /// A block of a checkpoint.
  public struct Block: Sendable, Hashable {
    public var file: String
    public var offset: Int
    public var bytes: Int
    public var documents: Int
    /// As it is in the file, and as the bytes have it. If they differ, a `damage` follows.
    public var checksum: UInt32
    public var computedChecksum: UInt32
    public var isSound: Bool { checksum == computedChecksum }
  }

  /// The end of a checkpoint.
  public struct Footer: Sendable, Hashable {
    public var file: String
    public var offset: Int
    public var documents: UInt64
    /// Every document of the checkpoint is of this LSN or an earlier one.
    public var endLSN: UInt64
    public var checksum: UInt32
    /// Nil if a damaged block before keeps it from being known.
    public var computedChecksum: UInt32?
    public var isSound: Bool { checksum == computedChecksum }
  }

  /// The header of a page of the log.
  public struct Page: Sendable, Hashable {
    public var file: String
    /// Size of the file.
    public var bytes: Int
    public var identifier: UUID
    public var sequence: UInt64
    public var firstLSN: UInt64
    /// The chain checksum at the end of the page before.
    public var previousChain: UInt32
    public var capacity: StoreConfiguration.PageCapacity
    public var checksum: UInt32
  }

  public enum Kind: String, Sendable, Hashable, CaseIterable, Codable {
    case put, remove, clear, batch, seal
  }

  /// One put or remove: a frame has one, a batch several, a clear or a seal none.
  public struct Operation: Sendable, Hashable {
    public var kind: Kind
    /// Nil if it is no CBOR item.
    public var key: Value?
    public var keyBytes: Int
    public var documentBytes: Int
  }

  /// What the seal of a page says of it.
  public struct Seal: Sendable, Hashable {
    public var lastLSN: UInt64
    public var records: UInt64
    public var chain: UInt32
    /// As the frames before have it; nil if damage keeps it from being known.
    public var computedChain: UInt32?
  }

  /// A frame of a page.
  public struct Frame: Sendable, Hashable {
    public var file: String
    /// Sequence number of the page.
    public var page: UInt64
    public var offset: Int
    /// Without the padding to a multiple of 8.
    public var bytes: Int
    public var lsn: UInt64
    /// What was durable when the frame was written.
    public var durableLSN: UInt64
    /// Nil for a kind that there is not.
    public var kind: Kind?
    /// As it is in the file, and as the bytes have it. If they differ, a `damage` follows, and the other fields may be
    /// wrong.
    public var checksum: UInt32
    public var computedChecksum: UInt32
    /// Empty in a frame with a wrong checksum.
    public var operations: [Operation] = []
    public var seal: Seal?
    public var isSound: Bool { checksum == computedChecksum }
  }

  /// Bytes that are not what was written.
  public struct Damage: Sendable, Hashable, Codable {
    public var file: String
    public var offset: Int
    /// Up to the next part that is sound, or the end of the contents; 0 where something is missing.
    public var bytes: Int
    public var reason: String
  }

  /// Which parts to hand out. If any is chosen, the manifest and the checkpoints are left out, and so are the headers of
  /// pages without a chosen frame. Damage in a page that is read is always handed out.
  public struct Selection: Sendable, Hashable {
    /// Only this page.
    public var page: UInt64?
    /// Only frames of this kind.
    public var kind: Kind?
    /// Only frames of these LSNs.
    public var lsns: ClosedRange<UInt64>?

    public init(page: UInt64? = nil, kind: Kind? = nil, lsns: ClosedRange<UInt64>? = nil) {
      self.page = page
      self.kind = kind
      self.lsns = lsns
    }

    var isEverything: Bool { self == Selection() }

    func contains(_ frame: Frame) -> Bool {
      (kind == nil || frame.kind == kind) && lsns?.contains(frame.lsn) != false
    }
  }
}

extension StoreDump.Kind {
  init(_ kind: LogRecordKind) {
    switch kind {
    case .put: self = .put
    case .remove: self = .remove
    case .clear: self = .clear
    case .batch: self = .batch
    case .seal: self = .seal
    }
  }
}
