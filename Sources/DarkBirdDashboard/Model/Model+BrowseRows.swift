import DarkBird
import Terminal

/// What has become of the results since they were found, saved queries, and parts of documents that are folded.
extension Model {
  /// Asks for the versions of the rows that can be seen, if the store has changed since it was asked last. To be called
  /// when a sample comes, ten times a second, and when other rows are shown.
  mutating func askForVersions() -> [Effect] {
    guard view == .browse, let results = browse.results, !results.isRunning, !results.isChecking,
      let lsn = history.last?.statistics.memoryLSN, lsn > results.lsn, (lsn, results.top) != results.checked
    else { return [] }
    let visible = BrowseLayout(self).visibleRows(.results)
    let keys = results.rows.dropFirst(results.top).prefix(visible).map(\.key)
    guard !keys.isEmpty else { return [] }
    browse.results?.isChecking = true
    browse.results?.checked = (lsn, results.top)
    return [.ask(.versions(run: results.run, keys, lsn: lsn))]
  }

  /// What a candidate costs: mostly what it did, a bit of what it did last.
  mutating func learnCost(examined: Int, nanoseconds: UInt64) {
    guard examined > 0, nanoseconds > 0 else { return }
    let cost = Double(nanoseconds) / Double(examined)
    browse.nanosecondsPerCandidate += (cost - browse.nanosecondsPerCandidate) / 4
  }

  // MARK: Saved queries

  mutating func runSaved(_ place: Int) -> [Effect] {
    guard browse.saved.indices.contains(place) else {
      browse.notice = "nothing is kept under \(keyMap.key(of: .saved(place), in: .browse)) yet"
      return []
    }
    return runLine(browse.saved[place])
  }

  /// Runs a line that was kept. In another store it may make no sense: then it can be changed.
  mutating func runLine(_ line: String) -> [Effect] {
    do {
      return run(try QueryLine.parse(line, browse.vocabulary), line: line)
    } catch {
      openQueryLine(line)
      browse.error = error
      return []
    }
  }

  mutating func saveQuery() -> [Effect] {
    guard let selection = browse.results?.selection else { return [] }
    let line = QueryLine.text(selection)
    if let place = browse.saved.firstIndex(of: line) {
      browse.saved.remove(at: place)
      browse.notice = "let go of \(line)"
    } else if line.isEmpty {
      browse.notice = "all documents need no function key"
      return []
    } else if line.contains(where: \.isNewline) {
      browse.notice = "a query with a line break in it cannot be kept"
      return []
    } else if browse.saved.count == KeyMap.savedQueryKeys.count {
      browse.notice = "all function keys are taken; run a saved query and press the same key to let it go"
      return []
    } else {
      browse.saved.append(line)
      browse.notice = "kept under \(keyMap.key(of: .saved(browse.saved.count - 1), in: .browse))"
    }
    return [.keepQueries(browse.saved)]
  }

  // MARK: The document

  mutating func resetDocument() {
    browse.documentLine = 0
    browse.documentScroll = 0
  }

  var documentLines: [DocumentLine] {
    DocumentPanel.lines(self, width: max(1, (BrowseLayout(self).rect(of: .document)?.width ?? 4) - 4))
  }

  /// The part of the document that the selected line begins.
  var documentPart: String? {
    let lines = documentLines
    return lines.indices.contains(browse.documentLine) ? lines[browse.documentLine].part : nil
  }

  mutating func fold(_ command: Command) {
    guard let record = DocumentPanel.row(self)?.record else { return }
    if command == .foldAll {
      let parts = DocumentText.parts(of: record)
      if parts.isSubset(of: browse.folded) { browse.folded.subtract(parts) } else { browse.folded.formUnion(parts) }
    } else if let part = documentPart {
      if browse.folded.remove(part) == nil { browse.folded.insert(part) }
    }
    browse.documentLine = min(browse.documentLine, max(0, documentLines.count - 1))
    keepSelectionVisible()
  }
}

extension Results {
  /// Notes which rows are no longer as they were found.
  mutating func compare(_ keys: [RowKey], _ versions: [UInt64?], lsn: UInt64) {
    isChecking = false
    let found = Dictionary(rows.map { ($0.key, $0.lsn) }) { first, _ in first }
    for (key, version) in zip(keys, versions) {
      guard let old = found[key] else { continue }
      fates[key] = version == nil ? .removed : version == old ? nil : .changed
    }
  }
}
