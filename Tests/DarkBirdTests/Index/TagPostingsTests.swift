import Testing

@testable import DarkBird

struct TagPostingsTests {
  @Test(arguments: 0..<20) func matchesADictionary(seed: UInt64) {
    var generator = SeededGenerator(seed: seed)
    var postings = TagPostings(prefixes: [nil, nil])
    var model: [Int: Set<DocumentNumber>] = [:]
    var copies: [(postings: TagPostings, model: [Int: Set<DocumentNumber>])] = []
    // Hash values differ from process to process; this many tags collide in all of them.
    let tags = generator.pick([3, 40, 500])
    func tag(_ number: Int) -> DarkBird.Tag { DarkBird.Tag(TagName("f=\(number)"), field: UInt32(number % 2)) }
    func check(_ postings: TagPostings, _ model: [Int: Set<DocumentNumber>]) {
      for number in 0..<tags {
        var found: [DocumentNumber] = []
        postings.documents(tag(number).name)?.visit {
          found.append($0)
          return true
        }
        #expect(found == (model[number] ?? []).sorted(), "seed \(seed), tag \(number)")
      }
      for field in 0..<2 {
        let own = model.filter { $0.key % 2 == field }
        #expect(postings.counts[field].distinct == own.count, "seed \(seed)")
        #expect(postings.counts[field].entries == own.values.reduce(0) { $0 + $1.count }, "seed \(seed)")
      }
    }
    for step in 0..<4_000 {
      let number = generator.below(tags)
      let document = DocumentNumber(generator.below(4))
      if generator.chance(50) {
        postings.remove(tag(number).name, document)
        model[number]?.remove(document)
        if model[number]?.isEmpty == true { model[number] = nil }
      } else {
        postings.insert(tag(number), document)
        model[number, default: []].insert(document)
      }
      if step % 500 == 0 { copies.append((postings, model)) }
    }
    copies.append((postings, model))
    for copy in copies { check(copy.postings, copy.model) }
  }
}
