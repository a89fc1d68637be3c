import DarkBird

extension Model {
  /// The lines of the tree, and the counts of single tags, are as they were when they were asked for: none moves below the
  /// cursor. The other counts are those of the newest sample, however far back the view is: documents are those of now.
  var exploreItems: [BrowseState.ExploreItem] {
    guard let outline = browse.outline else { return [] }
    let now = history.last?.statistics ?? StoreStatistics()
    // A sample from between two stores knows nothing of this one.
    let isKnown = !now.shards.isEmpty && now.shards.count == outline.shards.count
    func index(_ kind: StoreStatistics.Index.Kind, _ name: String) -> StoreStatistics.Index? {
      isKnown ? now.indexes.first { $0.kind == kind && $0.name == name } : nil
    }
    var items = [
      BrowseState.ExploreItem(
        name: "everything", count: isKnown ? now.documents : outline.documents,
        action: .run(.query(Query(), limit: nil)))
    ]
    items += savedItems
    if !outline.uniques.isEmpty || !outline.ranges.isEmpty { items.append(.init(name: "FIELDS")) }
    for range in outline.ranges {
      let entries = index(.range, range.name)?.entries ?? range.entries
      items.append(.init(kind: .range, name: range.name, count: entries, action: .range(range.name)))
    }
    for unique in outline.uniques {
      let entries = index(.unique, unique.name)?.entries ?? unique.entries
      items.append(
        .init(kind: .unique, name: unique.name, count: entries, action: .type("unique \(unique.name)=")))
    }
    for field in outline.tagFields { items += field.items(distinct: index(.tag, field.name)?.distinct) }
    if !outline.shards.isEmpty { items.append(.init(name: "SHARDS")) }
    for (number, documents) in outline.shards.enumerated() {
      let count = isKnown ? now.shards[number].documents : documents
      items.append(.init(name: "s\(number)", count: count, action: .run(.shard(number))))
    }
    return items
  }

  /// Of another store's queries only those that mean something here.
  private var savedItems: [BrowseState.ExploreItem] {
    let fitting = browse.saved.enumerated().filter { (try? QueryLine.parse($0.element, browse.vocabulary)) != nil }
    var items = fitting.isEmpty ? [] : [BrowseState.ExploreItem(name: "SAVED")]
    for (place, line) in fitting {
      items.append(.init(name: "\(keyMap.key(of: .saved(place), in: .browse)) \(line)", action: .line(line)))
    }
    return items
  }
}

extension Outline.TagField {
  /// Its heading and its tags.
  /// - Parameter now: how many tags it has now; nil if nobody knows.
  fileprivate func items(distinct now: Int?) -> [BrowseState.ExploreItem] {
    var items = [BrowseState.ExploreItem(name: name.isEmpty ? "TAGS" : "TAGS \(name)", count: now ?? distinct)]
    for tag in tags {
      // Under the heading of its field a tag need not repeat the field.
      items.append(
        .init(
          kind: .tag, name: tag.tag.value(ofName: name) ?? tag.tag, count: tag.count,
          action: .tag(tag.tag, field: name)))
    }
    if distinct > tags.count, !tags.isEmpty {
      let rest = Format.grouped(max(0, (now ?? distinct) - tags.count))
      items.append(.init(kind: .tag, name: "... \(rest) more", action: .moreTags(of: name)))
    }
    return items
  }
}
