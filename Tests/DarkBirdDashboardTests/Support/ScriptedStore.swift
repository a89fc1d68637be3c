import DarkBird
import Foundation

@testable import DarkBirdDashboard

/// Documents to browse, made from their number: any count of them at no cost.
struct ScriptedStore: Source {
  var identity: SourceIdentity { Script().identity }
  var count = 1_204_117

  func statistics() -> StoreStatistics { StoreStatistics() }
  func takeEvents(matching filter: String, limit: Int) -> EventBatch { EventBatch() }
  func topTags(limit: Int) -> [TagCount] { [] }
  func pages(_ selection: Selection) -> Pages { { page(selection, limit: $0, after: $1) } }
  func remove(_ key: RowKey) -> Bool { true }
  func write(_ change: DocumentChange) throws -> RowKey {
    switch change {
    case .insert(let key, _): RowKey(text: key.description)
    case .replace(let key, _, _): key
    }
  }
  func close() {}

  func outline(tagsPerField: Int) -> Outline {
    var outline = Outline()
    outline.documents = count
    outline.uniques = [.init(name: "email", entries: count)]
    outline.ranges = [
      .init(name: "age", entries: count, smallest: 16, largest: 67),
      .init(name: "joined", entries: count, smallest: .date(Script.start), largest: .date(Script.start)),
      .init(name: "salary", entries: 602_000, smallest: 30_000.0, largest: 250_000.0),
    ]
    outline.tagFields = [
      .init(
        name: "club", distinct: 83,
        tags: [
          .init(tag: "club=Ajax", count: 41_882), .init(tag: "club=Vålerenga", count: 39_004),
          .init(tag: "club=東京", count: 30_201),
        ]),
      .init(
        name: "skill", distinct: 41,
        tags: [.init(tag: "skill=swift", count: 40_117), .init(tag: "skill=rust", count: 38_550)]),
    ]
    outline.shards = (0..<64).map { count / 64 + $0 * 13 % 97 }
    return outline
  }

  func page(_ selection: Selection, limit: Int, after mark: PageMark?) -> ResultPage {
    switch selection {
    case .key(let key): return ResultPage(rows: key.hasPrefix("u:") ? [row(Int(key.dropFirst(2)) ?? 0)] : [])
    case .unique: return ResultPage(rows: [row(88_123)])
    case .query, .shard:
      var (start, count) = (0, count)
      if case .shard = selection { count /= 64 }
      // A mark is the place of a row, as that of a store is.
      if case .offset(let offset)? = mark { start = min(offset + 1, count) }
      let end = min(start + limit, count)
      return ResultPage(rows: (start..<end).map(row), next: end < count ? .offset(end - 1) : nil, examined: limit * 2)
    }
  }

  func page(_ selection: Selection, limit: Int, before mark: PageMark?) -> ResultPage {
    var end = count
    if case .offset(let offset)? = mark { end = offset }
    let start = max(0, end - limit)
    return ResultPage(rows: (start..<end).map(row), next: start > 0 ? .offset(start) : nil, examined: limit * 2)
  }

  func plan(_ selection: Selection) -> PlanSummary? {
    guard case .query(let query, _) = selection else { return nil }
    if let range = query.ranges.first {
      return PlanSummary(
        driver: "range(\(range.field))", candidates: 61_204, checks: query.allTags.map { "tag:\($0)" })
    }
    if let tag = query.allTags.first { return PlanSummary(driver: "tag(\(tag))", candidates: 41_882) }
    return PlanSummary(driver: "scan", candidates: count)
  }

  func count(_ selection: Selection) -> Int? { count }

  /// Every fifth document has changed since, every seventh is gone.
  func versions(of keys: [RowKey]) -> [UInt64?] {
    keys.map { key in
      let number = Int(key.text.dropFirst(2)) ?? 0
      return number % 7 == 3 ? nil : UInt64(9_000_000 + number + (number % 5 == 1 ? 400_000 : 0))
    }
  }

  /// A hill of ages with its top at 38, where tags are rather those of the old; nothing of the other fields.
  func histogram(field: String, within span: ValueSpan?, of query: Query, bucketsMax: Int) -> RangeHistogram? {
    guard field == "age" else { return nil }
    func count(_ range: IndexRange, percent: (Int) -> Int = { _ in 100 }) -> Int {
      (16...67).filter { range.contains(.int(Int64($0))) }.reduce(0) { sum, age in
        sum + (40_000 - (age - 38) * (age - 38) * 40) * percent(age) / 100
      }
    }
    let asked = query.ranges.first { $0.field == field }?.range ?? .all
    var histogram = RangeHistogram(
      field: field, span ?? ValueSpan(low: 16, high: 67), asked: asked, bucketsMax: bucketsMax
    ) { count($0) }
    if let bars = histogram, !query.allTags.isEmpty {
      histogram?.matching = .counted(
        bars.counts.indices.map { bucket in count(bars.range(bucket..<bucket + 1)) { $0 - 10 } })
    }
    return histogram
  }

  func document(_ key: RowKey) -> ResultRow? { row(Int(key.text.dropFirst(2)) ?? 0) }

  func row(_ number: Int) -> ResultRow {
    let clubs = ["Ajax", "Vålerenga", "東京", "Brann"]
    let names = ["Ada Østby", "Linus Brandt", "山田 太郎", "Grace O'Neill", "Zoë Müller"]
    let record: Record = [
      "name": .string(names[number % names.count]),
      "email": .string("person\(number)@example.org"),
      "age": .int(Int64(20 + number * 7 % 40)),
      "club": .string(clubs[number % clubs.count]),
      "skills": ["swift", "go"],
      "salary": .double(Double(40_000 + number % 900 * 100)),
      "joined": .date(Script.start.addingTimeInterval(Double(-number % 1_000) * 86_400)),
      "address": ["city": "Oslo", "street": "Grønland 4", "geo": [59.91, 10.75]],
      "bio": .string("Plays on the left wing, writes compilers at night and has never once been offside in either."),
    ]
    return ResultRow(
      key: RowKey(text: "u:\(number)"), shard: number * 7 % 64, lsn: UInt64(9_000_000 + number), record: record,
      bytes: 280 + number % 60)
  }

  /// Answers what a model asks, at once.
  func answer(_ effects: [Effect], in model: inout Model) {
    for case .ask(let request) in effects {
      guard var reply = BrowseAnswers.answer(request, from: self) else { continue }
      // Pictures must not depend on how fast this machine is.
      if case .page(let run, let number, let marks, let page, _) = reply {
        reply = .page(run: run, number: number, marks: marks, page, nanoseconds: 812_000)
      }
      if case .pageBefore(let run, let number, let page, _) = reply {
        reply = .pageBefore(run: run, number: number, page, nanoseconds: 812_000)
      }
      _ = model.update(.reply(reply))
    }
  }
}
