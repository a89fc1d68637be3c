// swift-tools-version: 6.2
import PackageDescription

/// Measures the engine from the outside, as the programs of its users call it, and compares it with peers:
///
///     Benchmarks/run
///
/// A store that is generic over its documents is only as fast as what the compiler can specialise across packages, so
/// the rows of `darkbird bench` are compiled here once more, through a link to their sources. (No two targets of all
/// packages may share a name.)
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "benchmarks",
  platforms: [.macOS(.v15)],
  dependencies: [
    // The name is given because the path alone would name the dependency after the directory of the clone.
    .package(name: "darkbird", path: ".."),
    // The options of both programs.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Latency percentiles of the rows.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
  ],
  targets: [
    .target(
      name: "BenchRows",
      dependencies: [
        .product(name: "DarkBird", package: "darkbird"), .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: settings),
    // One row a process.
    .executableTarget(
      name: "bench",
      dependencies: ["BenchRows", .product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings),
    // Runs the rows of all, turn by turn, and prints the table.
    .executableTarget(
      name: "compare", dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")],
      swiftSettings: settings),
  ]
)
