import ArgumentParser
import DarkBird
import DarkBirdDashboard
import Foundation

struct MigrateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "migrate",
    abstract: "Change all documents of a store: fields, keys, indexes.",
    discussion: """
      Every document is changed, or none is: the new ones are written beside the old ones, and one renaming of a file puts \
      them in place. Killed at any moment, the store is all old or all new. It needs memory for some thousands of \
      documents, however many there are, and room on the disk for three times what they take.

      The changes are made in the order: --rename, --drop, --set, --default, --key. A dotted name reaches into an object. \
      Values are JSON: text needs quotes of its own, as in --set 'status="new"'. The indexes of a field follow it when it \
      is renamed and go when it is dropped; --unique, --tag and --range add some, --no-index removes those of a field, and \
      refuses one that has none. A field of --rename or --drop that no document has is a line on standard error, and no \
      failure.

      Documents that cannot be changed are listed with their keys on standard error: the new name is taken, the key is \
      missing, two come to one key or have one unique value. Nothing is changed then, unless --skip-failures leaves them \
      out; of several that come to one key or value the one that was written last stays. The exit code is 65 if any failed.

      --dry-run says what would happen, with examples, and changes nothing; the exit code is that of the migration.

        darkbird migrate D --rename mail=email --drop fax --unique email --dry-run
        darkbird migrate D --default 'country="NO"' --tag country
        darkbird migrate D --key email
      """)

  /// Failures that are printed one by one; more of them are counted.
  static let linesMax = 100

  @Argument(help: "The store.")
  var directory: String

  @Option(help: ArgumentHelp("Give a field another name.", valueName: "old=new"))
  var rename: [String] = []

  @Option(help: ArgumentHelp("Remove a field.", valueName: "field"))
  var drop: [String] = []

  @Option(help: ArgumentHelp("Give a field this value in every document.", valueName: "field=json"))
  var set: [String] = []

  @Option(name: .customLong("default"), help: ArgumentHelp("The same where it is missing.", valueName: "field=json"))
  var fallback: [String] = []

  @Option(help: ArgumentHelp("The field whose value becomes the key of its document.", valueName: "field"))
  var key: String?

  @OptionGroup var indexes: IndexArguments

  @Option(help: ArgumentHelp("A field that is not indexed any more.", valueName: "field"))
  var noIndex: [String] = []

  @Option(help: ArgumentHelp("The version that the documents have then, for programs with migrations.", valueName: "n"))
  var schemaVersion: SchemaVersionArgument?

  @Flag(help: "Say what would happen, and change nothing.")
  var dryRun = false

  @Flag(help: "Leave out the documents that cannot be changed.")
  var skipFailures = false

  @Flag(help: "One JSON object.")
  var json = false

  func validate() throws {
    for (option, texts) in [("--rename", rename), ("--set", set), ("--default", fallback)] {
      for text in texts where text.nameAndValue?.name.isEmpty ?? true {
        throw ValidationError(
          "\(option) \(text): a name, '=' and \(option == "--rename" ? "a name" : "JSON") are needed")
      }
    }
    for text in rename {
      let (from, to) = split(text)
      let parent = from.lastIndex(of: ".").map { String(from[...$0]) } ?? ""
      if to.isEmpty || to.contains("=") || from == to { throw ValidationError("--rename \(text): not a new name") }
      if !parent.isEmpty && to.hasPrefix(parent) {
        throw ValidationError("--rename \(text): the new name is that within its object, without '\(parent)'")
      }
    }
    _ = try values(set, "--set")
    _ = try values(fallback, "--default")
    if rename + drop + set + fallback + noIndex == [] && indexes.fields.isEmpty && key == nil && schemaVersion == nil {
      throw ValidationError("there is nothing to change")
    }
  }

  private func values(_ texts: [String], _ option: String) throws -> [(field: String, value: Value)] {
    try texts.map { text in
      let (name, value) = split(text)
      do throws(BadInput) { return (name, try JSONParser.parse(Array(value.utf8))) } catch {
        throw ValidationError("\(option) \(text): no JSON: \(error.description); text needs quotes of its own")
      }
    }
  }

  func run() throws {
    var changes = RecordChanges(
      renames: rename.map(split).map { (from: $0.name, to: $0.value) }, drops: drop, key: key)
    changes.sets = try values(set, "--set")
    changes.defaults = try values(fallback, "--default")
    let schema = try newSchema(&changes)
    let stop = StopSignals()
    let progress = Progress("migrated")
    var migrator = Migrator(directory, [])
    migrator.skipsFailures = skipFailures
    let report: MigrationReport
    do {
      report = try withProgress(stop, progress) { update throws(StoreError) in
        try migrator.migrate(
          changing: { [changes] (key: Value, document: Record) in try changes.apply(key, document) },
          version: (schemaVersion?.number).map(UInt64.init), schema: IndexSchema(schema), isDryRun: dryRun,
          progress: update)
      }
    } catch StoreError.migrationFailed(_, let failed) {
      report = failed
    } catch let code as ExitCode {
      throw code
    } catch {
      throw Failure(error, path: directory)
    }
    // Not a failure: a script that runs twice finds them gone.
    for name in changes.missing.renames { printNote(harmless("--rename \(name): no document has this field")) }
    for name in changes.missing.drops { printNote(harmless("--drop \(name): no document has this field")) }
    try show(report)
  }

  /// What is indexed afterwards. Tells the changes which indexes have to follow their fields.
  private func newSchema(_ changes: inout RecordChanges) throws(Failure) -> FieldSchema {
    let known = try onStore(directory) { try StoreInspector.describe(directory).schema }
    if known.computed != FieldSchema() {
      let names = known.computed.unique + known.computed.tags + known.computed.ranges
      throw Failure(
        .configuration, directory,
        "can only be changed by the program that computes its indexes (\(names.joined(separator: ", ")))")
    }
    let before = known.fields.unique + known.fields.tags + known.fields.ranges
    let after = changes.apply(to: before)
    if let name = noIndex.first(where: { !before.contains($0) && !after.contains($0) && !drop.contains($0) }) {
      let there = after.isEmpty ? "none is" : "these are: \(after.joined(separator: ", "))"
      throw Failure(.usage, "--no-index \(name)", "not indexed in \(directory); \(there)")
    }
    // A name is that of an index before its field is renamed, if there is one, and else after.
    let goes = { [changes] (name: String) in
      noIndex.contains(name) || changes.apply(to: [name]).contains { noIndex.contains($0) && !before.contains($0) }
    }
    func adjusted(_ names: [String], _ more: [String]) -> [String] {
      let kept = changes.apply(to: names.filter { !goes($0) })
      return kept + more.filter { !kept.contains($0) }
    }
    changes.follow(before.filter { !goes($0) })
    return FieldSchema(
      unique: adjusted(known.fields.unique, indexes.unique), tags: adjusted(known.fields.tags, indexes.tag),
      ranges: adjusted(known.fields.ranges, indexes.range))
  }

  private func show(_ report: MigrationReport) throws {
    let output = Output()
    if json {
      output.line(try jsonLine(report))
    } else {
      for line in lines(report) { output.line(harmless(line)) }
    }
    try output.finish()
    guard report.failed > 0 else { return }
    if !json {
      for failure in report.failures.prefix(Self.linesMax) {
        printNote(harmless("\(directory): document \(failure.key): \(failure.reason)"))
      }
      if report.failed > Self.linesMax { printNote("… and \(grouped(report.failed - Self.linesMax)) more") }
    }
    let outcome =
      if report.isCommitted {
        "were left out"
      } else if skipFailures {
        "would be left out"
      } else {
        "cannot be migrated; nothing was changed"
      }
    throw Failure(.dataError, directory, "\(report.failed) of \(report.documents) documents \(outcome)")
  }

  private func lines(_ report: MigrationReport) -> [String] {
    var lines = [
      "documents  \(grouped(report.documents))", "changed    \(grouped(report.changed))",
      "unchanged  \(grouped(report.unchanged))",
    ]
    if report.failed > 0 { lines.append("failed     \(grouped(report.failed))") }
    let fields = report.schema.fields
    let indexes =
      fields.unique.map { "unique \($0)" } + fields.tags.map { "tag \($0)" } + fields.ranges.map { "range \($0)" }
    lines.append("indexes    \(indexes.isEmpty ? "none" : indexes.joined(separator: ", "))")
    if report.oldVersion != report.version { lines.append("version    \(report.oldVersion), then \(report.version)") }
    if !report.isCommitted {
      for example in report.examples {
        lines.append("example    \(example.key): \(example.document)")
        if let key = example.newKey, let document = example.newDocument {
          lines.append("           \(key): \(document)")
        }
      }
    }
    lines.append(report.isCommitted ? "migrated" : "nothing was changed")
    return lines
  }
}
