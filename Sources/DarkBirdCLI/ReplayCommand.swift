import ArgumentParser
import DarkBirdDashboard
import Foundation

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Watch a recording of a dashboard.",
    discussion: """
      Shows what R recorded in a dashboard, with the same panels. Space pauses and goes on, [ ] { } step, ^ and $ go to \
      the beginning and the end, ( and ) change the speed from 1 to 60 times, q ends it. A file that was cut off or is \
      damaged is shown up to there.

        darkbird replay clubs-20260314-092015.dbrec
      """)

  @Argument(help: "The recording.")
  var file: String

  @OptionGroup(title: "Look")
  var look: LookOptions

  func run() throws {
    let configuration = try look.configuration()
    let recording = try Self.read(file)
    try requireTerminal()
    // It stays above the prompt when the dashboard is gone.
    if let tear = recording.tear { printError(oneLine("\(file): \(tear)")) }
    var options = DashboardOptions(glyphs: look.glyphs)
    options.configuration = configuration
    do { _ = try Dashboard.replay(recording, options: options) } catch { throw Failure(error) }
  }

  private static func read(_ path: String) throws(Failure) -> Recording {
    // Not a device or a pipe, which may never end.
    var status = stat()
    guard stat(path, &status) == 0 else { throw Failure(path, errorNumber: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw Failure(.noInput, path, "not a file") }
    guard access(path, R_OK) == 0 else { throw Failure(path, errorNumber: errno) }
    let data: Data
    do { data = try Data(contentsOf: URL(filePath: path)) } catch {
      throw Failure(.ioError, path, "cannot be read")
    }
    do { return try Recording(data) } catch { throw Failure(.dataError, path, error.description) }
  }
}
