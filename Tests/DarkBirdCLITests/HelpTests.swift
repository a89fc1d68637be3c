import Foundation
import Testing

@Suite(.timeLimit(.minutes(30))) struct HelpTests {
  static let commands = [
    "run", "tour", "open", "import", "query", "stats", "verify", "dump", "salvage", "checkpoint", "bench", "config",
  ]

  @Test func helpNamesEveryCommand() async throws {
    let outcome = try await darkbird("--help")
    #expect(outcome.code == 0 && outcome.errors.isEmpty)
    for command in Self.commands { #expect(outcome.output.contains("\n  \(command)"), "\(command)") }
    #expect(try await darkbird("--version").output.hasPrefix("darkbird "))
  }

  /// A line of the examples that is wrapped goes on where the next example should begin.
  @Test func examplesFitIntoLines() async throws {
    let lines = try await darkbird("--help").output.split(separator: "\n", omittingEmptySubsequences: false)
    let first = try #require(lines.firstIndex { $0.hasPrefix("  darkbird ") })
    let examples = lines[first...].prefix { !$0.isEmpty }
    #expect(examples.count > 20)
    for example in examples { #expect(example.hasPrefix("  darkbird "), "\(example)") }
  }

  @Test(arguments: commands) func helpTeachesWithAnExample(command: String) async throws {
    let outcome = try await darkbird("help", command)
    #expect(outcome.code == 0 && outcome.output.contains("OVERVIEW") && outcome.output.contains("USAGE"), "\(outcome)")
    if command != "stats" && command != "verify" { #expect(outcome.output.contains("  darkbird \(command) ")) }
    #expect(try await darkbird(command, "--help").output == outcome.output)
  }

  /// The library example of the README is a program that Demo/example builds.
  @Test func readmeShowsTheQuickStart() throws {
    let readme = try String(contentsOfFile: packageRoot + "/README.md", encoding: .utf8)
    let program = try String(
      contentsOfFile: packageRoot + "/Demo/example/Sources/quick-start/main.swift", encoding: .utf8)
    #expect(readme.contains("```swift\n\(program)```"))
  }
}
