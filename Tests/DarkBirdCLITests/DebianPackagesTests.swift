import Foundation
import Testing

/// The package index of this machine, as awk reads it and as a store finds it: every eighth package of it, or all where
/// DARKBIRD_ALL_PACKAGES is set.
@Suite(.serialized, .timeLimit(.minutes(30))) struct DebianPackagesTests {
  private static let isThere =
    (try? FileManager.default.contentsOfDirectory(atPath: "/var/lib/apt/lists"))?.contains { $0.contains("_Packages") }
    ?? false

  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  /// Prints the names of the packages for which a condition on `field`, a map from a field's name to its text, holds.
  /// Knows nothing of Demo/deb822.awk: the two must not share a mistake.
  private func awk(_ condition: String) -> String {
    """
    apt-cache dumpavail | LC_ALL=C awk '
      function flush() {
        if (count > 0) { if (\(condition)) found[field["Package"]] = 1; else delete found[field["Package"]] }
        delete field; count = 0
      }
      /^$/ { flush(); next }
      /^[ \\t]/ { field[name] = field[name] $0; next }
      { at = index($0, ": "); name = at ? substr($0, 1, at - 1) : substr($0, 1, length($0) - 1)
        field[name] = at ? substr($0, at + 2) : ""; count++ }
      END { flush(); for (package in found) print package }' | LC_ALL=C sort
    """
  }

  /// Prints the keys that a query finds.
  private func query(_ arguments: String) -> String {
    """
    "$DARKBIRD" query "$STORE" \(arguments) --json | LC_ALL=C sed 's/^{"key":"\\([^"]*\\)".*/\\1/' | LC_ALL=C sort
    """
  }

  /// A directory for the path in which `apt-cache` gives a part of what the real one gives.
  private func partOfTheIndex() throws -> String {
    try FileManager.default.createDirectory(atPath: directory("bin"), withIntermediateDirectories: false)
    let script = try directory.file(
      "bin/apt-cache",
      """
      #!/bin/sh
      PATH=${PATH#*:}
      apt-cache "$@" | LC_ALL=C awk 'BEGIN { RS = ""; ORS = "\\n\\n" } NR % 8 == 0'

      """)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script)
    return directory("bin")
  }

  @Test func queriesGiveTheSetsThatAwkComputes() async throws {
    guard Self.isThere else {
      print(
        "skipped queriesGiveTheSetsThatAwkComputes: /var/lib/apt/lists holds no package lists; apt-get update gets them"
      )
      return
    }
    var environment = ["DARKBIRD": try builtProgram("darkbird"), "STORE": directory("store")]
    let isWhole = ProcessInfo.processInfo.environment["DARKBIRD_ALL_PACKAGES"] != nil
    if !isWhole {
      environment["PATH"] = try "\(partOfTheIndex()):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"
    }
    let imported = try await shell(
      "\(packageRoot)/Demo/debian-packages \"$STORE\" --no-dashboard", environment: environment)
    try #require(imported.code == 0, "\(imported)")
    let total = try await shell(
      "apt-cache dumpavail | grep '^Package:' | LC_ALL=C sort -u | wc -l", environment: environment)
    let expected = try #require(Int(total.output.trimming()))
    #expect(
      try await shell("\"$DARKBIRD\" query \"$STORE\" --count", environment: environment).output.trimming()
        == "\(expected)")

    // A package can be in the index with a size that is no number, or with none.
    let isSize = #"field["Installed-Size"] ~ /^[0-9]+$/"#
    let cases = [
      (#"field["Section"] == "games""#, "--tag Section=games"),
      (#"(", " field["Tag"] ", ") ~ /[, ]implemented-in::c\+\+[, ]/"#, "--tag Tag=implemented-in::c++"),
      (
        #"\#(isSize) && field["Installed-Size"] + 0 >= 1000 && field["Installed-Size"] + 0 <= 2000"#,
        "--range Installed-Size=1000..2000"
      ),
      (
        #"field["Section"] == "games" && (", " field["Tag"] ", ") ~ /[, ]interface::x11[, ]/ && field["Size"] + 0 < 50000"#,
        "--tag Section=games --tag Tag=interface::x11 --range 'Size=..<50000'"
      ),
    ]
    for (condition, arguments) in cases {
      let wanted = try await shell(awk(condition), environment: environment)
      let found = try await shell(query(arguments), environment: environment)
      #expect(wanted.code == 0 && found.code == 0 && found.errors.isEmpty, "\(arguments): \(wanted.errors)\(found)")
      #expect(wanted.output == found.output, "\(arguments): awk \(wanted.lines.count), darkbird \(found.lines.count)")
      if expected > 60_000 || !isWhole && expected > 7_000 { #expect(!wanted.lines.isEmpty, "\(arguments)") }
    }
  }

  /// The forms that deb822 allows and today's index does not show.
  @Test func filterJoinsLinesAndExpandsDebtags() async throws {
    let index = """
      Package: a
      Description: first
       second "quoted" \\ back
       .
       \tthird
      Tag: works-with::{file,text}, role::program,
       interface::x11
      Installed-Size: 12
      Size: 007

      Package: b
      Depends: libc6 (>= 2),
       libm

      """
    let path = try directory.file("index", index)
    let outcome = try await shell("LC_ALL=C awk -f '\(packageRoot)/Demo/deb822.awk' '\(path)'")
    #expect(
      outcome.output == #"""
        {"Package":"a","Description":"first\nsecond \"quoted\" \\ back\n\n\tthird","Tag":["works-with::file","works-with::text","role::program","interface::x11"],"Installed-Size":12,"Size":"007"}
        {"Package":"b","Depends":"libc6 (>= 2), libm"}

        """#)
  }
}

extension String {
  fileprivate func trimming() -> String { trimmingCharacters(in: .whitespacesAndNewlines) }
}
