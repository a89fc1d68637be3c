import DarkBird
import Foundation

/// Puts records into a store, and keeps count of what was refused.
struct Importer {
  private let store: RecordStore
  /// The field that is the key; nil in an export, which has keys of its own.
  private let key: String?
  private let lines: LineReader
  /// Told each line that is refused, and why, as `FILE:LINE: reason`.
  private let refusal: (String) -> Void
  private(set) var imported = 0
  private(set) var replaced = 0
  private(set) var rejected = 0

  init(store: RecordStore, key: String?, lines: LineReader, refusal: @escaping (String) -> Void) {
    self.store = store
    self.key = key
    self.lines = lines
    self.refusal = refusal
  }

  /// Of the input, 0...1; nil while nobody knows.
  var share: Double? { lines.size.map { $0 == 0 ? 1 : Double(lines.bytesRead) / Double($0) } }

  /// What was done, in words.
  var summary: String {
    let note = replaced > 0 ? " (\(replaced) of them replaced a document with the same key)" : ""
    return "imported \(imported), rejected \(rejected)\(note)"
  }

  /// - Throws: `StoreError` if the store takes no more documents at all.
  mutating func take(_ record: NumberedRecord) throws {
    switch record.content {
    case .failure(let error): reject(record.line, error.description)
    case .success(let document):
      if let key = record.key {
        try put(document, key, record.line)
      } else {
        try put(document, record.line)
      }
    }
  }

  private mutating func put(_ document: Record, _ line: Int) throws {
    guard let key, let value = document.value(at: key) else {
      return reject(line, "no field '\(key ?? "key")', which is the key")
    }
    switch value {
    case .null, .array, .map: return reject(line, "the key '\(key)' is \(value.kind)")
    case .bool, .int, .unsigned, .double, .string, .bytes, .date: try put(document, value, line)
    }
  }

  private mutating func put(_ document: Record, _ key: Value, _ line: Int) throws {
    do {
      if try store.put(document, for: key) != nil { replaced += 1 }
      imported += 1
    } catch {
      switch error {
      case .duplicate, .tooLarge, .invalidIndexValue, .encodingFailed: reject(line, error.description)
      default: throw error
      }
    }
  }

  private mutating func reject(_ line: Int, _ reason: String) {
    rejected += 1
    refusal(oneLine("\(lines.name):\(line): \(reason)"))
  }
}
