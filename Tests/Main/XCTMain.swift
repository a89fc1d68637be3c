import Testing

/// Runs the tests in builds of the scripts, which call the program by themselves.
///
/// The package manager makes such a file. Its own runs tests of XCTest too, of which there are none, and looks for those in an
/// index of all sources, which takes a seventh of the time that a build does. It also knows what `swift test` asks of it.
@main
struct Runner {
  static func main() async {
    await Testing.__swiftPMEntryPoint() as Never
  }
}
