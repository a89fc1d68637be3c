package import Terminal

/// How the tour is shown.
package struct TourOptions: Sendable {
  package var first = TourChapter.first
  /// Seconds after which the next chapter begins; nil waits for a key.
  package var seconds: Double?

  package init() {}
}

extension Dashboard {
  /// Leads through the chapters on the terminal until somebody quits.
  package static func tour(
    _ guide: TourGuide, _ tour: TourOptions, options: DashboardOptions, isStopped: () -> Bool = { false }
  ) throws(TerminalError) -> DashboardExit {
    var options = options
    options.workload = guide.monitor
    return try run(source: guide.source, options: options, guide: guide, tour: tour, isStopped: isStopped)
  }

  /// Tells what happens in each chapter in lines of text.
  /// - Parameter write: takes a text that ends with a newline; returns false when nobody reads any more.
  /// - Throws: the first thing that went wrong in a chapter.
  package static func tellTour(_ guide: TourGuide, from first: TourChapter, write: (String) -> Bool) throws {
    defer { try? guide.leave() }
    for chapter in TourChapter.allCases.dropFirst(first.rawValue) {
      let title = "Chapter \(chapter.number) of \(TourChapter.allCases.count): \(chapter.title)"
      guard write(([title] + chapter.paragraphs).joined(separator: "\n") + "\n") else { return }
      let told = TourFacts()
      try guide.perform(chapter) { told.take($0) }
      let facts = told.all.map { "- \($0.name): \($0.text)\n" }.joined()
      let files = chapter.files.map { "\(TourChapter.source)/\($0)" }.joined(separator: ", ")
      guard write("\(facts)Source: \(files)\n\n") else { return }
    }
  }
}
