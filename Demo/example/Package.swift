// swift-tools-version: 6.2
import PackageDescription

/// Uses the library from the outside, as any other package would:
///
///     swift run --package-path Demo/example quick-start
///     swift run --package-path Demo/example example
///     swift run --package-path Demo/example watch
let package = Package(
  name: "example",
  platforms: [.macOS(.v15)],
  dependencies: [
    // The name is given because the path alone would name the dependency after the directory of the clone.
    .package(name: "darkbird", path: "../..")
  ],
  targets: [
    // The ten lines of the README.
    .executableTarget(name: "quick-start", dependencies: [.product(name: "DarkBird", package: "darkbird")]),
    // Players and developers: typed documents, every kind of index, events, a store that is opened again.
    .executableTarget(name: "example", dependencies: [.product(name: "DarkBird", package: "darkbird")]),
    // The dashboard on a store of one's own.
    .executableTarget(
      name: "watch",
      dependencies: [
        .product(name: "DarkBird", package: "darkbird"), .product(name: "DarkBirdDashboard", package: "darkbird"),
      ]),
  ]
)
