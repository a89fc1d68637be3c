import ArgumentParser
import Foundation

/// What a program prints; all of them print more than is looked at here.
private struct Printed: Decodable {
  var operationsPerSecond: Double
  var bytesPerDocument: Double?
  var latencyNs: Latency?
  var figures: [String: Double]?

  struct Latency: Decodable { var p999: Double }
}

/// Runs one row of one contender in a process of its own, with a directory that is gone afterwards.
struct Runner {
  /// Where darkbird's programs are, and where the peers.
  var programs: String
  var peers: String
  var documents: Int

  /// The figures that the program prints, by name.
  /// - Throws: `ExitCode` 70 (EX_SOFTWARE), after one line that names the program, where it fails or prints something else.
  func run(_ contender: Contender, _ row: ComparedRow) throws -> [String: Double] {
    let directory = FileManager.default.temporaryDirectory.appending(path: "darkbird-compare-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let program = (contender == .darkbird ? programs : peers) + "/" + contender.program
    let name = contender == .darkbird ? row.name : row.peerName ?? row.name
    let process = Process()
    process.executableURL = URL(filePath: program)
    process.arguments = [
      name, "--documents", "\(documents)", "--threads", "\(row.threads)", "--directory", directory.path,
    ]
    let output = Pipe()
    process.standardOutput = output
    do { try process.run() } catch { throw failure("\(program): cannot be started") }
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    guard process.terminationReason == .exit, process.terminationStatus == 0 else {
      throw failure("\(program) \(name): ended with \(process.terminationStatus)")
    }
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    guard let printed = try? decoder.decode(Printed.self, from: data) else {
      throw failure(
        "\(program) \(name): printed '\(String(decoding: data.prefix(200), as: UTF8.self))', not its figures")
    }
    var figures = printed.figures ?? [:]
    figures["operations"] = printed.operationsPerSecond
    figures["bytes"] = printed.bytesPerDocument
    figures["p999"] = printed.latencyNs?.p999
    return figures
  }

  private func failure(_ message: String) -> ExitCode {
    FileHandle.standardError.write(Data("compare: \(message)\n".utf8))
    return ExitCode(70)
  }
}
