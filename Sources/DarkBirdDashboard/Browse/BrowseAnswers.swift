import Dispatch

/// Puts the questions of the browse view to a source. Runs on the thread of queries.
enum BrowseAnswers {
  static let tagsPerField = 20
  static let bucketsMax = 64
  /// Of a field for completion: more would take too long.
  private static let completedTagsMax = 200_000

  /// - Parameter isCancelled: asked between the pages of a long way; nil is the answer of what was cancelled.
  static func answer(
    _ request: BrowseRequest, from source: some Source, isCancelled: () -> Bool = { false }
  ) -> BrowseReply? {
    do {
      switch request {
      case .outline: return .outline(try source.outline(tagsPerField: tagsPerField))
      case .complete(let line, var vocabulary):
        vocabulary.tags = QueryVocabulary(try source.outline(tagsPerField: completedTagsMax)).tags
        return .completion(line, QueryCompletion(line, vocabulary))
      case .plan(let run, let selection): return .plan(run: run, try source.plan(selection))
      case .count(let run, let selection): return .count(run: run, try source.count(selection))
      case .document(let key): return .document(key, try source.document(key))
      case .versions(let run, let keys, let lsn):
        return .versions(run: run, keys, try source.versions(of: keys), lsn: lsn)
      case .draft(let key): return .draft(key, try source.document(key))
      case .write(let change): return .written(change, try source.write(change))
      case .remove(let key): return .removed(key, try source.remove(key))
      case .histogram(let field, let span, let query):
        return .histogram(
          field: field, try source.histogram(field: field, within: span, of: query, bucketsMax: bucketsMax))
      case .page(let run, let selection, let number, let place):
        let start = DispatchTime.now().uptimeNanoseconds
        let (page, marks) = try page(number, selection, place, from: source)
        let nanoseconds = DispatchTime.now().uptimeNanoseconds - start
        return .page(run: run, number: number, marks: marks, page, nanoseconds: nanoseconds)
      case .pageBefore(let run, let selection, let number, let rows, let mark):
        let start = DispatchTime.now().uptimeNanoseconds
        let page = try source.page(selection, limit: rows, before: mark)
        let nanoseconds = DispatchTime.now().uptimeNanoseconds - start
        return .pageBefore(run: run, number: number, page, nanoseconds: nanoseconds)
      case .lastPage(let run, let selection, let number, let mark):
        return try lastPage(run, selection, number, mark, from: source, isCancelled)
      }
    } catch {
      return .failed(request, String(describing: error))
    }
  }

  /// - Returns: also the mark that it begins after, if whoever asks does not know it.
  private static func page(
    _ number: Int, _ selection: Selection, _ start: PageStart, from source: some Source
  ) throws -> (ResultPage, [PageMark]) {
    switch start {
    case .first: return (try page(number, selection, after: nil, from: source), [])
    case .after(let mark): return (try page(number, selection, after: mark, from: source), [])
    case .with(let mark):
      // After the row before it. Without one there is no such page any more.
      let before = try source.page(selection, limit: 1, before: mark).next
      guard let before else { return (ResultPage(rows: []), []) }
      return (try page(number, selection, after: before, from: source), [before])
    }
  }

  /// A page, no longer than the limit of the selection leaves.
  private static func page(
    _ number: Int, _ selection: Selection, after mark: PageMark?, from source: some Source
  ) throws -> ResultPage {
    guard case .query(_, let limit?) = selection else {
      return try source.page(selection, limit: Results.pageSize, after: mark)
    }
    let left = max(0, limit - number * Results.pageSize)
    var page = try source.page(selection, limit: min(left, Results.pageSize), after: mark)
    if left <= Results.pageSize { page.next = nil }
    return page
  }

  /// Goes on page by page until there is no more, and remembers where each page began.
  private static func lastPage(
    _ run: Int, _ selection: Selection, _ number: Int, _ mark: PageMark, from source: some Source,
    _ isCancelled: () -> Bool
  ) throws -> BrowseReply? {
    let start = DispatchTime.now().uptimeNanoseconds
    var marks: [PageMark] = []
    var number = number
    var mark = mark
    var examined = 0
    while !isCancelled() {
      var page = try page(number, selection, after: mark, from: source)
      examined += page.examined
      page.examined = examined
      guard let next = page.next else {
        let nanoseconds = DispatchTime.now().uptimeNanoseconds - start
        return .page(run: run, number: number, marks: marks, page, nanoseconds: nanoseconds)
      }
      marks.append(next)
      mark = next
      number += 1
    }
    return nil
  }
}
