import DarkBird
import DarkBirdDashboard
import Foundation

/// Puts records into a store, and keeps count of what was refused.
struct Importer {
  /// Rejected lines that are reported one by one; more of them are counted.
  static let reportsMax = 100

  private let store: RecordStore
  private let key: String
  private let lines: LineReader
  private let progress: ProgressBar?
  private(set) var imported = 0
  private(set) var replaced = 0
  private(set) var rejected = 0

  init(store: RecordStore, key: String, lines: LineReader) {
    self.store = store
    self.key = key
    self.lines = lines
    progress = ProgressBar(total: lines.size)
  }

  /// - Throws: `StoreError` if the store takes no more documents at all.
  mutating func take(_ record: NumberedRecord) throws {
    switch record.content {
    case .failure(let error): reject(record.line, error.description)
    case .success(let document): try put(document, record.line)
    }
    progress?.update(bytes: lines.bytesRead, documents: imported)
  }

  private mutating func put(_ document: Record, _ line: Int) throws {
    guard let value = document.value(at: key) else { return reject(line, "no field '\(key)', which is the key") }
    switch value {
    case .null, .array, .map: return reject(line, "the key '\(key)' is \(value.kind)")
    case .bool, .int, .unsigned, .double, .string, .bytes, .date: break
    }
    do {
      if try store.put(document, for: value) != nil { replaced += 1 }
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
    progress?.clear()
    printNote(oneLine("\(lines.name):\(line): \(reason)"))
  }

  /// Takes the bar away, before anything else is printed.
  func endProgress() { progress?.clear() }

  func report() {
    if rejected > Self.reportsMax { printNote("… and \(grouped(rejected - Self.reportsMax)) more") }
    let note = replaced > 0 ? " (\(replaced) of them replaced a document with the same key)" : ""
    print("imported \(imported), rejected \(rejected)\(note)")
  }
}

/// A bar on standard error, if that is a terminal.
final class ProgressBar {
  private static let width = 30
  private let total: Int?
  private let start = ContinuousClock.now
  private var nextUpdate = ContinuousClock.now
  private var isVisible = false

  /// - Parameter total: bytes that there are; nil if that is not known.
  init?(total: Int?) {
    guard isatty(STDERR_FILENO) == 1 else { return nil }
    self.total = total
  }

  /// Draws, ten times a second at most.
  func update(bytes: Int, documents: Int) {
    let now = ContinuousClock.now
    guard now >= nextUpdate else { return }
    nextUpdate = now + .milliseconds(100)
    isVisible = true
    let seconds = max(0.001, Double((now - start) / .seconds(1)))
    var text = "\r\u{1b}[K"
    if let total, total > 0 {
      let share = min(1, Double(bytes) / Double(total))
      let filled = Int(share * Double(Self.width))
      text += "[\(String(repeating: "#", count: filled))\(String(repeating: "-", count: Self.width - filled))] "
      text += "\(Int(share * 100))%  "
    } else {
      text += "\(byteCount(bytes))  "
    }
    text += "\(grouped(documents)) documents  \(grouped(Int(Double(documents) / seconds)))/s"
    _ = writeAll(Array(text.utf8), to: STDERR_FILENO)
  }

  /// Frees the line for a message.
  func clear() {
    guard isVisible else { return }
    isVisible = false
    _ = writeAll(Array("\r\u{1b}[K".utf8), to: STDERR_FILENO)
  }
}
