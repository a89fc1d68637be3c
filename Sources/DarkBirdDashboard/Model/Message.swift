import DarkBird
import Terminal

/// What happened.
enum Message: Sendable {
  case key(Key)
  case mouse(MouseEvent)
  case paste(String)
  case resize(width: Int, height: Int)
  case sample(Sample, [EventLine])
  case reply(BrowseReply)
  case job(id: Int, JobReport)
  /// What has the name that somebody wants to export to.
  case exportTarget(ExportRequest, ExportTarget)
  /// How far a replay has come, in nanoseconds of the recording, since the seek of that number.
  case reached(UInt64, seek: Int)
  /// What the editor has left, and in which file. The terminal has to be taken back.
  case edited(path: String?, EditOutcome)
  /// The editor has begun with this file.
  case editing(path: String)
  /// The file that is recorded to, and what there is to say about it.
  case recording(path: String?, String)
  /// What came of an effect, for people.
  case notice(String)
  /// From the guide of a tour, about the chapter of that run.
  case tour(run: Int, TourNews)
  /// What the last frames cost.
  case frameCost(milliseconds: Double)

  /// Whether a later message says the same anew. How a job ended is said once.
  var comesAgain: Bool {
    switch self {
    case .sample, .frameCost, .reached: true
    case .job(_, let report): report.outcome == .running
    default: false
    }
  }
}

/// What is to be done about it outside of the model.
enum Effect: Hashable, Sendable {
  case quit
  /// Forget what the screen shows and draw all of it.
  case redraw
  /// Clicks and the wheel are the dashboard's, or the terminal's.
  case mouse(Bool)
  case filterEvents(String)
  /// Whether many events are wanted: somebody looks at nothing else.
  case watchEvents(Bool)
  case ask(BrowseRequest)
  case workload(WorkloadOrder)
  /// Leads to a chapter; what is told of it carries the number of the run.
  case tour(TourChapter, run: Int)
  /// The chapter waits at its next step, or goes on.
  case holdTour(Bool)
  /// Remember these query lines for the next time.
  case keepQueries([String])
  /// Begins a recording of this name; nil ends it.
  case record(String?)
  /// Keeps a note for the recording that goes on.
  case note(Sample.Note)
  case player(PlayerOrder)
  /// Gives the terminal to the user's editor.
  case edit(EditOrder)
  case takeTerminalBack
  /// The file of a text that is not needed any more.
  case discardDraft(String)
  /// Runs a job of that kind under a number.
  case startJob(id: Int, kind: Int, answers: [String])
  /// Looks what has the name that is to be exported to.
  case checkExport(ExportRequest)
  /// A job too: results into a file.
  case export(id: Int, ExportRequest)
  case cancelJob(Int)
  /// To the clipboard of the terminal, and to a file.
  case copy(String)
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
  /// What Tab offers for the line up to the cursor, from all tags of the store.
  case complete(String, QueryVocabulary)
  /// Page `number` of a run.
  case page(run: Int, Selection, number: Int, from: PageStart)
  /// Page `number` of a run, of so many rows, which ends before `mark`, or with the last row.
  case pageBefore(run: Int, Selection, number: Int, rows: Int, before: PageMark?)
  /// From `mark`, the end of page `number`, to the last page, for selections that go only forwards.
  case lastPage(run: Int, Selection, number: Int, after: PageMark)
  case plan(run: Int, Selection)
  case count(run: Int, Selection)
  case document(RowKey)
  /// Which versions of some documents the store has now; asked when its last write was `lsn`.
  case versions(run: Int, [RowKey], lsn: UInt64)
  /// How the values of a range field are distributed, in all documents and in those that meet the query's other conditions;
  /// nil is the whole field.
  case histogram(field: String, within: ValueSpan?, Query)
  /// Removes a document from the store.
  case remove(RowKey)
  /// A document as it is now, to be changed.
  case draft(RowKey)
  case write(DocumentChange)
}

/// Where a page begins.
enum PageStart: Hashable, Sendable {
  case first
  /// After the row at a mark, as pages do that are read one after the other.
  case after(PageMark)
  /// With the row at a mark, of a query without a limit: before it ends the page that was come to from this one.
  case with(PageMark)
}

/// The answer. Those of a run that has been replaced meanwhile are ignored.
enum BrowseReply: Sendable {
  case outline(Outline)
  case completion(String, QueryCompletion)
  case page(run: Int, number: Int, marks: [PageMark], ResultPage, nanoseconds: UInt64)
  case pageBefore(run: Int, number: Int, ResultPage, nanoseconds: UInt64)
  case plan(run: Int, PlanSummary?)
  case count(run: Int, Int?)
  case document(RowKey, ResultRow?)
  /// LSN by LSN, nil for what is gone.
  case versions(run: Int, [RowKey], [UInt64?], lsn: UInt64)
  /// nil where there is nothing to draw: no values, or none with a distance between them.
  case histogram(field: String, RangeHistogram?)
  /// Whether it was still there.
  case removed(RowKey, Bool)
  case draft(RowKey, ResultRow?)
  case written(DocumentChange, RowKey)
  case failed(BrowseRequest, String)
}
