import DarkBird
import DarkBirdDashboard
import Foundation

/// Puts records into a store, and keeps count of what was refused.
struct Importer {
  /// Rejected lines that are reported one by one; more of them are counted.
  static let reportsMax = 100

  private let store: RecordStore
  /// The field that is the key; nil in an export, which has keys of its own.
  private let key: String?
  private let lines: LineReader
  private let progress = Progress("imported")
  private(set) var imported = 0
  private(set) var replaced = 0
  private(set) var rejected = 0

  init(store: RecordStore, key: String?, lines: LineReader) {
    self.store = store
    self.key = key
    self.lines = lines
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
    progress.update(
      documents: imported, share: lines.size.map { $0 == 0 ? 1 : Double(lines.bytesRead) / Double($0) })
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
    guard rejected <= Self.reportsMax else { return }
    progress.clear()
    printNote(oneLine("\(lines.name):\(line): \(reason)"))
  }

  /// Takes the bar away, before anything else is printed.
  func endProgress() { progress.clear() }

  func report() {
    if rejected > Self.reportsMax { printNote("… and \(grouped(rejected - Self.reportsMax)) more") }
    let note = replaced > 0 ? " (\(replaced) of them replaced a document with the same key)" : ""
    print("imported \(imported), rejected \(rejected)\(note)")
  }
}
