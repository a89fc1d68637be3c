import Terminal

/// What happened.
enum Message: Sendable {
  case key(Key)
  case resize(width: Int, height: Int)
  case sample(Sample, [EventLine])
  case reply(BrowseReply)
  /// What the last frames cost.
  case frameCost(milliseconds: Double)
}

/// What is to be done about it outside of the model.
enum Effect: Hashable, Sendable {
  case quit
  /// Forget what the screen shows and draw all of it.
  case redraw
  case filterEvents(String)
  case ask(BrowseRequest)
  case workload(WorkloadOrder)
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
}

/// The answer. Those of a run that has been replaced meanwhile are ignored.
enum BrowseReply: Sendable {
  case outline(Outline)
  case page(run: Int, number: Int, marks: [PageMark], ResultPage, nanoseconds: UInt64)
  case plan(run: Int, PlanSummary?)
  case count(run: Int, Int?)
  case document(RowKey, ResultRow?)
  case failed(BrowseRequest, String)
}
