public import ArgumentParser
public import DarkBird
public import DarkBirdDashboard
public import Terminal

// Enumerations of the libraries that are options here; their raw values are what users type.

extension WorkloadOptions.Preset: ExpressibleByArgument {}
extension KeyDistribution: ExpressibleByArgument {}
extension Acknowledgement: ExpressibleByArgument {}

/// Version of a store's documents, as `Migration` counts them: a number of 63 bits.
struct SchemaVersionArgument: ExpressibleByArgument {
  let number: Int

  init?(argument: String) {
    guard let number = Int(argument), number >= 0 else { return nil }
    self.number = number
  }
}
extension GlyphTier: ExpressibleByArgument {}
extension StoreDump.Kind: ExpressibleByArgument {}
extension DocumentFormat: ExpressibleByArgument {}
