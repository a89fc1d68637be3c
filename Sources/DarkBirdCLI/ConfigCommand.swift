import ArgumentParser
import DarkBirdDashboard

struct ConfigCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config",
    abstract: "Print a configuration of the dashboard, to be changed by hand.",
    discussion: """
      Prints what holds without a configuration: theme, layout, alerts with their limits, and every command with its keys. \
      Any line can be left out. The dashboard reads ~/.config/darkbird/config ($XDG_CONFIG_HOME/darkbird/config, if that is \
      set) or the file of --config, and never writes it.

        mkdir -p ~/.config/darkbird
        darkbird config > ~/.config/darkbird/config
        darkbird config --check
      """)

  @Flag(help: "Print nothing; say whether the configuration that is there is sound.")
  var check = false

  @Option(help: ArgumentHelp("The file to check instead of the default one.", valueName: "file"))
  var config: String?

  func validate() throws {
    if config != nil && !check { throw ValidationError("--config needs --check") }
  }

  func run() throws {
    if check {
      do { _ = try DashboardConfiguration.load(config) } catch { throw Failure(error) }
      return
    }
    let output = Output()
    output.write(DashboardConfiguration.sample)
    try output.finish()
  }
}
