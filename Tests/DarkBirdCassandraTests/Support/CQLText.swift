/// The words of a statement of CQL.
struct CQLText {
  enum Word: Equatable {
    case name(String)
    case string(String)
    case number(String)
    case symbol(Character)
  }

  struct Unreadable: Error {
    var reason: String
  }

  private let words: [Word]
  private var index = 0

  init(_ text: String) throws {
    var words: [Word] = []
    var rest = Substring(text)
    let isNamePart = { (c: Character) in c.isLetter || c.isNumber || c == "_" }
    while let first = rest.first {
      if first.isWhitespace {
        rest.removeFirst()
      } else if first == "\"" || first == "'" {
        rest.removeFirst()
        var part = ""
        while let next = rest.popFirst() {
          if next == first {
            guard rest.first == first else { break }
            rest.removeFirst()
          }
          part.append(next)
        }
        words.append(first == "'" ? .string(part) : .name(part))
      } else if first.isNumber || first == "-" {
        let digits = rest.prefix { $0.isNumber || $0 == "-" || $0 == "." }
        words.append(.number(String(digits)))
        rest = rest.dropFirst(digits.count)
      } else if isNamePart(first) {
        let name = rest.prefix(while: isNamePart)
        words.append(.name(name.lowercased()))
        rest = rest.dropFirst(name.count)
      } else {
        words.append(.symbol(first))
        rest.removeFirst()
      }
    }
    self.words = words
  }

  var next: Word? { index < words.count ? words[index] : nil }

  /// Whether these words come next; takes them if so.
  mutating func take(_ text: String) -> Bool {
    let wanted = text.split(separator: " ")
    guard index + wanted.count <= words.count else { return false }
    for (offset, word) in wanted.enumerated() {
      switch words[index + offset] {
      case .name(let name) where name == word.lowercased(): continue
      case .symbol(let symbol) where word == String(symbol): continue
      default: return false
      }
    }
    index += wanted.count
    return true
  }

  mutating func expect(_ text: String) throws {
    if !take(text) { throw Unreadable(reason: "no '\(text)' but \(next.map { "\($0)" } ?? "the end")") }
  }

  mutating func name() throws -> String {
    guard case .name(let name)? = next else { throw Unreadable(reason: "no name") }
    index += 1
    return name
  }

  mutating func word() throws -> Word {
    guard let next else { throw Unreadable(reason: "ends too early") }
    index += 1
    return next
  }

  /// What `one` reads, with commas between.
  mutating func list<Element>(_ one: (inout CQLText) throws -> Element) rethrows -> [Element] {
    var list = [try one(&self)]
    while take(",") { list.append(try one(&self)) }
    return list
  }
}
