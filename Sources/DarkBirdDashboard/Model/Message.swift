import Terminal

/// What happened.
enum Message: Sendable {
  case key(Key)
  case mouse(MouseEvent)
  case resize(width: Int, height: Int)
  case sample(Sample, [EventLine])
  case reply(BrowseReply)
  /// From the guide of a tour, about the chapter of that run.
  case tour(run: Int, TourNews)
  /// What the last frames cost.
  case frameCost(milliseconds: Double)
}

/// What is to be done about it outside of the model.
enum Effect: Hashable, Sendable {
  case quit
  /// Forget what the screen shows and draw all of it.
  case redraw
  /// Clicks and the wheel are the dashboard's, or the terminal's.
  case mouse(Bool)
  case filterEvents(String)
  case ask(BrowseRequest)
  case workload(WorkloadOrder)
  /// Leads to a chapter; what is told of it carries the number of the run.
  case tour(TourChapter, run: Int)
  /// Remember these query lines for the next time.
  case keepQueries([String])
}

/// What the workload is to do.
enum WorkloadOrder: Hashable, Sendable {
  case run(WorkloadOptions)
  case setPaused(Bool)
  case end
}

/// A question to the source, answered on another thread.
enum BrowseRequest: Hashable, Sendable {
  case outline
  /// Page `number` of a run, which begins after `mark`.
  case page(run: Int, Selection, number: Int, after: PageMark?)
  /// From `mark`, the end of page `number`, to the last page.
  case lastPage(run: Int, Selection, number: Int, after: PageMark)
  case plan(run: Int, Selection)
  case count(run: Int, Selection)
  case document(RowKey)
  /// Which versions of some documents the store has now; asked when its last write was `lsn`.
  case versions(run: Int, [RowKey], lsn: UInt64)
  /// How the values of a range field are distributed; nil is the whole field.
  case histogram(field: String, within: ValueSpan?)
}

/// The answer. Those of a run that has been replaced meanwhile are ignored.
enum BrowseReply: Sendable {
  case outline(Outline)
  case page(run: Int, number: Int, marks: [PageMark], ResultPage, nanoseconds: UInt64)
  case plan(run: Int, PlanSummary?)
  case count(run: Int, Int?)
  case document(RowKey, ResultRow?)
  /// LSN by LSN, nil for what is gone.
  case versions(run: Int, [RowKey], [UInt64?], lsn: UInt64)
  /// nil where there is nothing to draw: no values, or none with a distance between them.
  case histogram(field: String, RangeHistogram?)
  case failed(BrowseRequest, String)
}
