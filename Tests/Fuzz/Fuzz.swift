import Foundation

// Runs one fuzz target under libFuzzer; `Tests/fuzz` builds and starts it:
//
//   Fuzz TARGET --seeds DIR           writes inputs to begin with
//   Fuzz TARGET [libFuzzer options]
//
// `-sanitize=fuzzer` would bring a `main` of its own; with this one, libFuzzer is a function to call.

@_silgen_name("LLVMFuzzerRunDriver")
private func runFuzzer(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ target: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Under the name that libFuzzer's own `main` calls, which is linked too.
@_cdecl("LLVMFuzzerTestOneInput")
func runTarget(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  Fuzz.target.run(UnsafeRawBufferPointer(start: bytes, count: count))
  return 0
}

@main
enum Fuzz {
  /// Written once, before the fuzzer starts.
  nonisolated(unsafe) fileprivate static var target = FuzzTarget.all[0]

  static func main() throws {
    let arguments = CommandLine.arguments
    let names = FuzzTarget.all.map(\.name)
    guard arguments.count > 1, let found = FuzzTarget.all.first(where: { $0.name == arguments[1] }) else {
      print(names.joined(separator: "\n"))
      exit(arguments.count > 1 ? 64 : 0)
    }
    target = found
    if arguments.count == 4 && arguments[2] == "--seeds" {
      for (number, seed) in try found.seeds().enumerated() {
        try Data(seed).write(to: URL(filePath: "\(arguments[3])/seed-\(number)"))
      }
      return
    }
    var texts = [arguments[0]] + arguments.dropFirst(2)
    // For as long as the process runs.
    let pointers = UnsafeMutableBufferPointer<UnsafeMutablePointer<CChar>?>.allocate(capacity: texts.count + 1)
    for index in texts.indices { pointers[index] = strdup(texts[index]) }
    pointers[texts.count] = nil
    var count = CInt(texts.count)
    texts = []
    guard var list = pointers.baseAddress else { return }
    exit(
      runFuzzer(&count, &list) { runTarget($0, $1) })
  }
}
