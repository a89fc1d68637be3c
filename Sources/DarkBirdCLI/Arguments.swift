public import ArgumentParser
public import DarkBird
public import DarkBirdDashboard
public import Terminal

// Enumerations of the libraries that are options here; their raw values are what users type.

extension WorkloadOptions.Preset: ExpressibleByArgument {}
extension KeyDistribution: ExpressibleByArgument {}
extension Acknowledgement: ExpressibleByArgument {}
extension GlyphTier: ExpressibleByArgument {}
extension StoreDump.Kind: ExpressibleByArgument {}
extension DocumentFormat: ExpressibleByArgument {}
