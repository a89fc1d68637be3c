/// Rebuilds shards and indexes from the records of a checkpoint and the log, before anyone else sees them.
struct DocumentLoader<Key: DocumentKey, Document: DarkBird.Document> {
  let shards: [Shard<Key, Document>]
  let schema: IndexSchema<Document>

  /// Applies one record unless the document is already there in a later version.
  ///
  /// Unique values are not checked here: a checkpoint runs ahead of the log that follows it, so an owner that gives its value
  /// away in the log may still hold it.
  func replay(_ record: LogRecord) throws(StoreError) {
    if record.kind == .clear {
      for shard in shards { shard.map.removeVersions(before: record.lsn) }
      return
    }
    let key: Key
    do {
      var reader = CBORReader(record.key)
      key = try Key(cbor: &reader)
    } catch {
      throw .undecodable(key: describeKey(record), lsn: record.lsn, reason: "the key: \(error)")
    }
    let hash = UInt(bitPattern: key.hashValue)
    let shardNumber = Int(hash & UInt(shards.count - 1))
    let shard = shards[shardNumber]
    let old = shard.map.find(key, hash: hash)
    if let old, old.lsn >= record.lsn { return }
    var new: Entry<Key, Document>?
    if record.kind == .put {
      let document: Document
      do {
        var reader = CBORReader(record.document)
        document = try Document(cbor: &reader)
      } catch {
        throw .undecodable(key: key.description, lsn: record.lsn, reason: "\(error)")
      }
      new = Entry(key: key, document: document, keys: try schema.keys(of: document))
    }
    let number = old?.number ?? UInt64(shard.map.nextSlot * shards.count + shardNumber)
    new?.number = number
    new?.lsn = record.lsn
    shard.map.apply(old: old, new: new, hash: hash, slot: Int(number) / shards.count)
  }

  /// Indexes all documents.
  /// - Throws: `.duplicateOnOpen`.
  func buildIndexes(_ indexes: IndexSet) throws(StoreError) {
    if schema.isEmpty { return }
    for shard in shards {
      for case let entry? in shard.map.slots {
        if let conflict = indexes.conflict(old: nil, new: entry) {
          let owner = (conflict.owner as? Entry<Key, Document>)?.key.description ?? ""
          throw .duplicateOnOpen(
            index: conflict.index, value: conflict.value, keys: [owner, entry.key.description])
        }
        indexes.replace(old: nil, new: entry)
      }
    }
  }

  /// The key as any tool can read it.
  private func describeKey(_ record: LogRecord) -> String {
    var reader = CBORReader(record.key)
    return (try? reader.readValue().description) ?? "of \(record.key.count) bytes"
  }
}

extension ShardMap {
  /// Removes the documents whose version is older than `lsn`. O(documents).
  mutating func removeVersions(before lsn: UInt64) {
    for case let entry? in slots where entry.lsn < lsn {
      remove(entry, hash: UInt(bitPattern: entry.key.hashValue))
    }
  }
}
