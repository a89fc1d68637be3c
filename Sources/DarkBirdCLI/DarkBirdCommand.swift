import ArgumentParser
import Foundation

/// `darkbird`: one subcommand a file; without one it is `darkbird run`.
@main
struct DarkBirdCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "darkbird",
    abstract: "A document store with a live dashboard.",
    discussion: """
      Without a command, darkbird opens its dashboard on a store in a temporary directory, under a moderate load that \
      can run all day; q ends it, and the directory is gone. With one, it loads, asks and checks stores on disk:

        darkbird                                 watch a store at work
        darkbird run --store D --rate max        the same in a directory that stays
        darkbird tour                            how a store works, step by step
        darkbird import D cities.csv --key id    a file into a store
        darkbird export D cities.ndjson          and back
        darkbird migrate D --rename zip=code     other fields, keys, indexes
        darkbird query D --tag country=NO --json ask it
        darkbird open D                          browse it
        darkbird replay FILE                     watch what R recorded
        darkbird stats D                         what is in it
        darkbird verify D                        is every byte as it was written
        darkbird dump D                          what the bytes are
        darkbird salvage D rescued               what can be read, into a new store
        darkbird checkpoint D                    a short log that opens fast
        darkbird backup D FILE                   all of it in one file
        darkbird restore FILE E                  a store of that file
        darkbird copy D --to postgres://…        into a table of a Postgres database
        darkbird load D --from postgres://…      a table or a query into a store
        darkbird mirror D --to postgres://…      what changed since, into the table
        darkbird bench                           how fast is it here
        darkbird config                          keys, colours and alerts, to change

      'darkbird help COMMAND' explains a command. A failure is one line on standard error and one of the exit codes of \
      <sysexits.h>: 64 the command line, 65 bad data, 66 no such store or file, 69 no terminal, 73 cannot create, 74 \
      the disk, 75 in use by another process, 77 no permission, 78 a configuration.
      """,
    version: "darkbird 0.1.0",
    subcommands: [
      RunCommand.self, TourCommand.self, TourWriterMode.self, OpenCommand.self, ReplayCommand.self, ImportCommand.self,
      ExportCommand.self, MigrateCommand.self, QueryCommand.self, StatsCommand.self, VerifyCommand.self,
      DumpCommand.self, SalvageCommand.self, CheckpointCommand.self, BackupCommand.self, RestoreCommand.self,
      CopyCommand.self, LoadCommand.self, MirrorCommand.self,
      BenchCommand.self, ConfigCommand.self,
    ],
    defaultSubcommand: RunCommand.self)

  static func main() {
    // A reader of our output that goes away must not kill a store that is open for writing; `Output` notices it.
    signal(SIGPIPE, SIG_IGN)
    // Nor may a limit on the size of files: the write that reaches it fails, and what it was part of is cleared away.
    signal(SIGXFSZ, SIG_IGN)
    holdStandardDescriptors()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let failure as Failure {
      printError(failure.description)
      Foundation.exit(failure.code.rawValue)
    } catch  where exitCode(for: error) == .validationFailure {
      // Lists of values come on lines of their own; here everything is one line.
      let words = message(for: error).split(whereSeparator: \.isWhitespace).joined(separator: " ")
      let sentence = words.hasSuffix(".") ? String(words.dropLast()) : words
      printError("\(oneLine(withoutPasswords(sentence))); see 'darkbird help\(subcommandNamed())'")
      Foundation.exit(SysExit.usage.rawValue)
    } catch {
      exit(withError: error)  // help texts, the version, exit codes
    }
  }

  /// Has the three standard descriptors taken also where whoever began us has closed some: the first files that we open would
  /// become standard output, and what is printed would go into them. Reading and writing there fails, as it would have.
  private static func holdStandardDescriptors() {
    for descriptor in STDIN_FILENO...STDERR_FILENO where fcntl(descriptor, F_GETFD) < 0 {
      _ = open("/dev/null", descriptor == STDIN_FILENO ? O_WRONLY : O_RDONLY)
    }
  }

  /// The subcommand that the command line is about, with a blank before it, for a hint.
  private static func subcommandNamed() -> String {
    let names = configuration.subcommands.compactMap { $0.configuration.commandName }
    return CommandLine.arguments.dropFirst().first { names.contains($0) }.map { " \($0)" } ?? ""
  }
}
