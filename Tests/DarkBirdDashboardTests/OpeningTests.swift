import DarkBird
import Foundation
import Terminal
import Testing

@testable import DarkBirdDashboard

@Suite("Opening a store") struct OpeningTests {
  private let directory = NSTemporaryDirectory() + "opening-\(UUID().uuidString)"

  private func makeStore() throws {
    let store = try Store<Value, Record>(.disk(at: directory))
    for number in Int64(0)..<200 { try store.put(["n": .int(number)], for: .int(number)) }
    try store.checkpoint()
    for number in Int64(200)..<300 { try store.put(["n": .int(number)], for: .int(number)) }
    try store.close()
  }

  @Test(arguments: [true, false]) func bytesThatAreReadAreThoseOfTheStore(readOnly: Bool) throws {
    try makeStore()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let files = WatchedFileSystem()
    let total = files.storeBytes(in: directory)
    #expect(total > 0 && files.bytes == 0)
    let store = try Store<Value, Record>.open(directory, readOnly: readOnly, files)
    // With the manifest and what is looked at twice.
    #expect((total..<total + 2_000).contains(files.bytes), "\(files.bytes) of \(total)")
    if !readOnly { try store.put(["n": 1], for: "new", ack: .synced) }
    #expect(store.count == (readOnly ? 300 : 301))
    try store.close()
    #expect(WatchedFileSystem().storeBytes(in: directory + "/nowhere") == 0)
  }

  @Test func whatIsCancelledIsNotOpened() throws {
    try makeStore()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let files = WatchedFileSystem()
    files.cancel()
    #expect(throws: StoreError.self) { try Store<Value, Record>.open(directory, readOnly: false, files) }
    #expect(try Store<Value, Record>.open(directory).count == 300)
  }

  @Test func thePictureTellsHowFarItIs() {
    func lines(_ bytes: Int, _ total: Int, _ width: Int = 60, _ height: Int = 10) -> [String] {
      OpeningPicture(
        title: "people", location: "disk p\u{1b}[2J", bytes: bytes, total: total, elapsed: .milliseconds(1_240),
        quit: "q"
      ).canvas(width: width, height: height, glyphs: .ascii, theme: Theme(depth: .none, name: .standard)).lines
    }
    let half = lines(500_000, 1_000_000)
    #expect(half.contains { $0.contains("500.0 kB of 1.0 MB") && $0.contains("1.2 s") })
    #expect(half.contains { $0.contains("step 1 of 2: reading the store") })
    #expect(half.contains { line in (14...15).contains(line.count { $0 == "#" }) && line.contains("-") })
    #expect(half.last?.contains("q quit") == true)
    #expect(half.allSatisfy { !$0.contains("\u{1b}") })
    // The lock and the manifest are read too.
    #expect(lines(1_000_500, 1_000_000).contains { $0.contains("step 2 of 2: building the indexes") })
    // All is read, and not all is done.
    #expect(lines(1_000_500, 1_000_000).contains { $0.contains("#-") })
    #expect(lines(0, 0).contains { $0.contains("0 B") })
    for width in 0...20 { for height in 0...6 { #expect(lines(1, 2, width, height).count == height) } }
  }
}
