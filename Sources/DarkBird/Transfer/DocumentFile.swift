/// The text of documents on its way to a file, which has its name only once it is whole.
package final class DocumentFile {
  private static let blockBytes = 256 << 10
  private var draft: DraftFile
  private var block: [UInt8] = []
  private var offset = 0
  private var isDone = false

  /// - Parameter replaces: whether a file of this name gives way.
  /// - Throws: as `DraftFile`.
  package init(_ path: String, replaces: Bool = false) throws(StoreError) {
    draft = try DraftFile(path, PosixFileSystem(), replaces: replaces)
  }

  package func write(_ text: String) throws(StoreError) {
    block += text.utf8
    if block.count >= Self.blockBytes { try flush() }
  }

  private func flush() throws(StoreError) {
    try draft.append(block, at: offset)
    offset += block.count
    block.removeAll(keepingCapacity: true)
  }

  /// Gives the file its name; nothing is left of one that fails.
  package func finish() throws(StoreError) {
    try flush()
    isDone = true
    try draft.publish()
  }

  /// Without effect after `finish`.
  package func cancel() {
    if !isDone { draft.cancel() }
    isDone = true
  }
}
