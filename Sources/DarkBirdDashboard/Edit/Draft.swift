package import DarkBird
import Foundation

/// A change of one document.
package enum DocumentChange: Hashable, Sendable {
  case insert(key: Value, Record)
  /// Only if the document is still as it was.
  case replace(RowKey, was: Record, Record)
}

/// Why a document was not changed.
package enum ChangeRefused: Error, Hashable, CustomStringConvertible {
  case changedMeanwhile
  case gone
  case unknownField(String)

  package var description: String {
    switch self {
    case .changedMeanwhile: "somebody has changed it meanwhile"
    case .gone: "it is gone"
    case .unknownField(let name): "the program's type of documents has no field '\(name)'"
    }
  }
}

/// What somebody types to add or change a document. It is kept until the store has taken it.
struct Draft: Hashable, Sendable {
  enum Purpose: Hashable, Sendable {
    case insert
    case replace(RowKey)
  }

  let purpose: Purpose
  /// The document as it was when this was begun, or the one that a new document was made after: it tells the kinds of values
  /// that JSON has no form for.
  var base: Record?
  var text: String
  /// The file that has the text; nil until it was edited.
  var path: String?

  /// A new document after the pattern of another.
  init(insertAfter pattern: Record?) {
    purpose = .insert
    base = pattern
    text = "{\n  \"key\": null,\n  \"document\": \(DraftText.json(.map(pattern ?? Record()), indent: 1))\n}\n"
  }

  /// A new document that is typed in one go.
  init(insert text: String, pattern: Record?) {
    purpose = .insert
    base = pattern
    self.text = text
  }

  init(replacing row: ResultRow) {
    purpose = .replace(row.key)
    base = row.record
    text = DraftText.json(.map(row.record)) + "\n"
  }

  /// What the text says is to be done; nil if it says nothing new.
  func change() throws(DraftError) -> DocumentChange? {
    let value: Value
    do { value = try JSONParser.parse(Array(text.utf8)) } catch { throw DraftError(error, in: text) }
    guard case .map(let object) = value else { throw DraftError("not an object, such as {\"name\": \"Ada\"}") }
    switch purpose {
    case .replace(let key):
      guard let base else { return nil }
      let record = object.typed(like: base)
      return DraftText.isSame(record, base) ? nil : .replace(key, was: base, record)
    case .insert:
      guard let key = object["key"], case .map(let document)? = object["document"], object.count == 2 else {
        throw DraftError("a new document is {\"key\": …, \"document\": {…}} and nothing else")
      }
      if key == .null { throw DraftError("the key is still null: give the document one") }
      return .insert(key: key, base.map { document.typed(like: $0) } ?? document)
    }
  }
}

/// What is wrong with what was typed, and where.
struct DraftError: Error, Hashable, CustomStringConvertible {
  /// In characters, from 1; nil if no place is meant.
  var line: Int?
  var column: Int?
  var reason: String

  init(_ reason: String) { self.reason = reason }

  init(_ error: BadInput, in text: String) {
    reason = error.reason
    guard let place = error.column else { return }
    let before = String(decoding: text.utf8.prefix(place - 1), as: UTF8.self)
    line = 1 + before.utf8.count { $0 == UInt8(ascii: "\n") }
    column = 1 + before.reversed().prefix { !$0.isNewline }.count
  }

  var description: String {
    guard let line, let column else { return reason }
    return "line \(line), column \(column): \(reason)"
  }
}
