import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation

struct TourCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tour",
    abstract: "See how a store works, chapter by chapter.",
    discussion: """
      Each chapter does what it tells of, on a real store in a temporary directory that is removed at the end: a \
      document enters its shard, a duplicate is refused, pages fill, a process is killed with SIGKILL and its store \
      recovered. The figures are those of that store, and the text names the file of the source that does it.

      Right goes on, Left goes back, r does it again, t goes on by itself; ? lists the keys.

        darkbird tour --auto                          for a booth: all chapters, round and round
        darkbird tour --chapter kill                  begin there
        darkbird tour --plain                         what happens as text, without a terminal
      """)

  @Flag(help: "Go on by itself, and from the last chapter to the first.")
  var auto = false

  @Option(help: ArgumentHelp("How long a chapter stays with --auto. (default: 25)", valueName: "n"))
  var seconds: Double?

  @Option(
    help: ArgumentHelp(
      "Begin with this one: its number, 1 to \(TourChapter.allCases.count), or its name: \(Self.names).",
      valueName: "name"))
  var chapter = "\(TourChapter.first.number)"

  @Flag(help: "No dashboard: tell what happens in lines of text, and end.")
  var plain = false

  @OptionGroup(title: "Look")
  var look: LookOptions

  private static let names = TourChapter.allCases.map(\.name).joined(separator: ", ")

  /// The one that `--chapter` names.
  private func first() throws(ValidationError) -> TourChapter {
    let found = TourChapter.allCases.first { $0.name == chapter || "\($0.number)" == chapter }
    if let found { return found }
    throw ValidationError("--chapter \(chapter): must be 1 to \(TourChapter.allCases.count), or one of \(Self.names)")
  }

  func validate() throws {
    _ = try first()
    if let seconds {
      if !(seconds >= 1 && seconds <= 86_400) { throw ValidationError("--seconds: must be 1 to 86400") }
      if !auto { throw ValidationError("--seconds goes with --auto") }
    }
    if plain && auto { throw ValidationError("--plain and --auto exclude each other") }
    if plain && look.glyphs != nil { throw ValidationError("--plain draws nothing, with no glyphs") }
  }

  func run() throws {
    let configuration = try look.configuration()
    if !plain { try requireTerminal() }
    // A signal must not leave the directory behind. While there is a dashboard signals are its own.
    let stop = StopSignals()
    let temporary = try TemporaryStore()
    defer { temporary.remove() }
    guard let program = Bundle.main.executablePath else {
      throw Failure(.software, "tour", "this program does not know where it is")
    }
    let writer = TourWriterCommand(executable: program, arguments: [TourWriterMode.name])
    let guide = TourGuide(directory: temporary.path, writer: writer, pace: plain ? 0 : 1)
    let first = try first()
    if plain { return try tell(guide, from: first, stop) }
    var tour = TourOptions()
    tour.first = first
    tour.seconds = auto ? seconds ?? 25 : nil
    var options = DashboardOptions(glyphs: look.glyphs)
    options.configuration = configuration
    do {
      _ = try Dashboard.tour(guide, tour, options: options, isStopped: { stop.isRequestedByNow() })
    } catch {
      throw Failure(error)
    }
  }

  private func tell(_ guide: TourGuide, from first: TourChapter, _ stop: StopSignals) throws {
    let output = Output()
    do {
      try Dashboard.tellTour(guide, from: first) { text in
        output.write(text)
        output.flush()
        return output.isOpen && !stop.isRequested
      }
    } catch {
      throw Failure(error, path: "tour")
    }
    try output.finish()
  }
}

/// The other program of the tour: this one, writing until it is killed.
struct TourWriterMode: ParsableCommand {
  static let name = "tour-writer"
  static let configuration = CommandConfiguration(commandName: name, shouldDisplay: false)

  @Argument var directory: String
  @Flag var paced = false

  func run() throws {
    try onStore(directory) {
      try TourWriting.run(directory, isPaced: paced) { line in writeAll(Array(line.utf8), to: STDOUT_FILENO) == nil }
    }
  }
}
