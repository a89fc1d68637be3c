// swift-tools-version: 6.2
import PackageDescription

/// One set of settings for every Swift target: language mode 6, no existing warning survives, and every import says
/// who sees it.
let swiftSettings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

let package = Package(
  name: "darkbird",
  platforms: [.macOS(.v15)],  // Synchronization.Atomic
  products: [
    .library(name: "DarkBird", targets: ["DarkBird"]),
    // With what its options and errors are made of.
    .library(name: "DarkBirdDashboard", targets: ["DarkBirdDashboard", "Terminal"]),
    .library(name: "DarkBirdPostgres", targets: ["DarkBirdPostgres"]),
    .library(name: "DarkBirdCassandra", targets: ["DarkBirdCassandra"]),
    .executable(name: "darkbird", targets: ["DarkBirdCLI"]),
  ],
  dependencies: [
    // The command line: parsing, help texts, completions.
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    // Deque: bounded rings of events, samples and sync latencies. Heap: the union of the documents of several tags.
    .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
    // Latency percentiles of the workload, with bounded error and memory.
    .package(url: "https://github.com/HdrHistogram/hdrhistogram-swift", from: "0.2.0"),
    // What DarkBirdCassandra speaks to its servers through: sockets, event loops, TLS. Nothing else here uses them.
    .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
  ],
  targets: [
    // What Swift cannot say: the CRC32C instruction, the adaptive mutex, the crash-safe terminal guard.
    .target(name: "CDarkBird"),
    .target(
      name: "DarkBird",
      dependencies: [
        "CDarkBird", .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "HeapModule", package: "swift-collections"),
      ],
      swiftSettings: swiftSettings),
    .systemLibrary(name: "CNCurses", providers: [.apt(["libncurses-dev"])]),
    .target(
      name: "Terminal",
      dependencies: ["CDarkBird", "CNCurses"],
      swiftSettings: swiftSettings,
      linkerSettings: [
        .linkedLibrary("ncursesw", .when(platforms: [.linux])),
        .linkedLibrary("tinfo", .when(platforms: [.linux])),
        .linkedLibrary("ncurses", .when(platforms: [.macOS])),
      ]),
    .target(
      name: "DarkBirdDashboard",
      dependencies: [
        "DarkBird", "Terminal",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "Histogram", package: "hdrhistogram-swift"),
      ],
      swiftSettings: swiftSettings),
    // Postgres' own client library: every way to authenticate and encrypt that a server may ask for, PGPASSFILE, service
    // files, several hosts, kept in step with the server by its makers. One in Swift would bring SwiftNIO and an event loop for
    // what is here one connection and COPY. A product of its own, so that who uses the store alone needs none of it.
    .systemLibrary(name: "CLibPQ", providers: [.apt(["libpq-dev"]), .brew(["libpq"])]),
    .target(
      name: "DarkBirdPostgres",
      dependencies: ["CLibPQ", "DarkBird"],
      swiftSettings: swiftSettings,
      linkerSettings: [.linkedLibrary("pq")]),
    // Cassandra and Scylla: the CQL native protocol, version 4, over SwiftNIO. The only well-kept driver for Swift wraps the C++
    // driver, which Debian does not have. A product of its own, so that who uses the store alone needs none of it.
    .target(
      name: "DarkBirdCassandra",
      dependencies: [
        "DarkBird",
        .product(name: "DequeModule", package: "swift-collections"),
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: swiftSettings),
    // The rows of `darkbird bench`. The package in Benchmarks compiles the same sources, through a link: there the store is
    // used from another package, as its users do. Two files are links to the random numbers of the workload.
    .target(
      name: "DarkBirdBench",
      dependencies: ["DarkBird", .product(name: "Histogram", package: "hdrhistogram-swift")],
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "DarkBirdCLI",
      dependencies: [
        "CDarkBird", "DarkBird", "DarkBirdBench", "DarkBirdCassandra", "DarkBirdDashboard", "DarkBirdPostgres",
        "Terminal", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: swiftSettings),
    .testTarget(name: "DarkBirdTests", dependencies: ["CDarkBird", "DarkBird"], swiftSettings: swiftSettings),
    // What the terminal tests run inside a real terminal, to crash, suspend and hang it up.
    .executableTarget(
      name: "TerminalProbe", dependencies: ["Terminal"], path: "Tests/TerminalProbe", swiftSettings: swiftSettings),
    .testTarget(name: "TerminalTests", dependencies: ["Terminal", "TerminalProbe"], swiftSettings: swiftSettings),
    .testTarget(
      name: "DarkBirdDashboardTests", dependencies: ["DarkBirdDashboard", "DarkBird", "Terminal"],
      // Pictures that the tests find by their own path.
      exclude: ["Goldens"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "DarkBirdPostgresTests",
      dependencies: ["DarkBirdPostgres", "DarkBird", "DarkBirdCLI", "DarkBirdDashboard"],
      swiftSettings: swiftSettings),
    .testTarget(
      name: "DarkBirdCassandraTests",
      dependencies: [
        "DarkBirdCassandra", "DarkBird", "DarkBirdCLI", "DarkBirdDashboard",
        .product(name: "NIOCore", package: "swift-nio"),
        .product(name: "NIOPosix", package: "swift-nio"),
        .product(name: "NIOSSL", package: "swift-nio-ssl"),
      ],
      swiftSettings: swiftSettings),
    // What Tests/postgres-scale kills while it mirrors a store.
    .executableTarget(
      name: "MirrorProbe", dependencies: ["DarkBird", "DarkBirdPostgres"], path: "Tests/MirrorProbe",
      swiftSettings: swiftSettings),
    // What the tests of the command line kill -9 in the middle of acknowledged writes.
    .executableTarget(
      name: "KillProbe", dependencies: ["DarkBird"], path: "Tests/KillProbe", swiftSettings: swiftSettings),
    .testTarget(
      name: "DarkBirdCLITests",
      dependencies: ["DarkBirdCLI", "DarkBird", "DarkBirdDashboard", "KillProbe", "Terminal"],
      swiftSettings: swiftSettings),
  ]
)

let wholeModules = ["-disable-batch-mode", "-whole-module-optimization", "-num-threads", "2"]

// The builds for the engine's own tests, for its mutants and for the sanitizer need nothing else.
if Context.environment["DARKBIRD_ENGINE_ONLY"] != nil {
  package.keep(targets: ["CDarkBird", "DarkBird", "DarkBirdTests"], packages: ["swift-collections"])
  // Tests that try every fault and every moment take half as long, and the build no longer. As a whole module, which takes less
  // than its files one by one.
  for target in package.targets where target.name == "DarkBird" {
    target.swiftSettings?.append(.unsafeFlags(wholeModules + ["-O", "-assert-config", "Debug"]))
  }
}

// Of the engine's tests what `Tests/thread-sanitizer` runs, and a little more: a third of the time that all of them take to
// compile goes to folders whose tests have one thread.
if Context.environment["DARKBIRD_THREADS_ONLY"] != nil {
  for target in package.targets where target.name == "DarkBirdTests" {
    target.exclude += ["Codec", "Inspection", "Migration", "Shard", "Transfer"]
  }
}

// `Tests/run` has the tests of the engine in that build, and need not compile them twice.
// What `Demo/example` shows is compiled there too, and the programs of `Benchmarks`: as the packages of their own that they are,
// they would compile all the libraries again.
if Context.environment["DARKBIRD_ENGINE_APART"] != nil {
  package.targets.removeAll { $0.name == "DarkBirdTests" }
  for (name, dependencies) in [
    ("quick-start", ["DarkBird"]), ("example", ["DarkBird"]), ("watch", ["DarkBird", "DarkBirdDashboard"]),
  ] as [(String, [Target.Dependency])] {
    package.targets.append(
      .executableTarget(name: name, dependencies: dependencies, path: "Demo/example/Sources/\(name)"))
  }
  let argumentParser = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
  package.targets += [
    .target(
      name: "BenchRows", dependencies: ["DarkBird", .product(name: "Histogram", package: "hdrhistogram-swift")],
      path: "Benchmarks/Sources/BenchRows", swiftSettings: swiftSettings),
    .executableTarget(
      name: "bench", dependencies: ["BenchRows", argumentParser], path: "Benchmarks/Sources/bench",
      swiftSettings: swiftSettings),
    .executableTarget(
      name: "compare", dependencies: [argumentParser], path: "Benchmarks/Sources/compare", swiftSettings: swiftSettings),
  ]
}

// What is compiled once takes a fifth less as whole modules: the dashboard's tests 189 processor seconds instead of 237. (Those of
// the engine take more.)
if Context.environment["CI"] != nil, Context.environment["DARKBIRD_ENGINE_APART"] != nil {
  for target in package.targets { target.swiftSettings?.append(.unsafeFlags(wholeModules)) }
}

// Builds without an index of all sources: of the scripts, whose tests are programs; on macOS they are bundles.
#if os(Linux)
  let isWithoutIndex =
    Context.environment["DARKBIRD_ENGINE_ONLY"] != nil
    || Context.environment["DARKBIRD_ENGINE_APART"] != nil && Context.environment["CI"] != nil
  if isWithoutIndex {
    package.targets.append(.testTarget(name: "NoTests", path: "Tests/Main/Nothing"))
  }
#endif

// `Tests/fuzz` builds this with -sanitize=fuzzer, without which it does not link. Of the client for Cassandra it takes what reads
// bytes alone: a connection would bring BoringSSL, which takes longer to compile than all the rest together.
if Context.environment["DARKBIRD_FUZZ"] != nil {
  package.keep(
    targets: ["CDarkBird", "DarkBird", "CNCurses", "Terminal", "DarkBirdDashboard", "DarkBirdCassandra"],
    packages: ["swift-collections", "hdrhistogram-swift", "swift-nio"])
  for target in package.targets where target.name == "DarkBirdCassandra" {
    target.sources = ["DatabaseError+Cassandra.swift", "ColumnValue.swift", "Protocol"]
    target.dependencies = ["DarkBird", .product(name: "NIOCore", package: "swift-nio")]
  }
  package.targets.append(
    .executableTarget(
      name: "Fuzz",
      dependencies: [
        "DarkBird", "DarkBirdCassandra", "DarkBirdDashboard", "Terminal",
        .product(name: "NIOCore", package: "swift-nio"),
      ],
      path: "Tests/Fuzz", swiftSettings: swiftSettings,
      // The default linker, gold, fails with an internal error.
      linkerSettings: [.unsafeFlags(["-use-ld=lld"], .when(platforms: [.linux]))]))
}

extension Package {
  /// Leaves out whatever else there is: what it takes to fetch, to plan and to compile.
  func keep(targets kept: Set<String>, packages: Set<String>) {
    dependencies.removeAll { dependency in
      guard case .sourceControl(_, let location, _) = dependency.kind else { return true }
      return !packages.contains(location.split(separator: "/").last.map(String.init) ?? "")
    }
    targets.removeAll { !kept.contains($0.name) }
    products.removeAll { $0.name != "DarkBird" }
  }
}
