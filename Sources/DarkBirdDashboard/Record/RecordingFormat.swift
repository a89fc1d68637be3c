import DarkBird

/// The file of a recording: seven bytes that say what it is, the version in the eighth, then frames, each of them
///
///     bytes   4 (the lowest first)   4                                     `bytes`
///             of the payload         CRC-32C of those four and the payload  payload
///
/// The first payload tells what was recorded, each of the others is a sample with its events, oldest first, as
/// `FieldCoder.sample` has it: numbers as differences from those of the sample before it, texts only where they changed. So
/// a sample can be read only after all before it, and takes about a kilobyte. A file that ends in the middle of a frame, or
/// with one whose checksum is wrong, is good up to there.
enum RecordingFormat {
  static let magic = Array("DARKREC".utf8)
  /// 3: what waits for room in the log, what of a shortfall the writers miss, the options and the scenario of the workload.
  /// 4: where another store begins.
  static let version: UInt8 = 4
  static let suffix = ".dbrec"
  static let headerBytes = 8
  static let frameHeaderBytes = 8
  /// A sample of a store of 1,024 shards takes some 20 kB.
  static let payloadBytesMax = 1 << 20

  static var start: [UInt8] { magic + [version] }

  static func frame(_ payload: [UInt8]) -> [UInt8] {
    let length = littleEndian(UInt32(payload.count))
    let checksum = CRC32C.checksum(payload, seed: CRC32C.checksum(length))
    return length + littleEndian(checksum) + payload
  }

  /// The payload of the frame that begins at `offset`, or why there is none; nil at the end of the file.
  static func payload(in bytes: [UInt8], at offset: Int) throws(RecordingError) -> Range<Int>? {
    guard offset < bytes.count else { return nil }
    let start = offset + frameHeaderBytes
    guard start <= bytes.count else { throw RecordingError(offset: offset, reason: "cut off") }
    let length = Int(number(bytes[offset..<offset + 4]))
    guard length <= payloadBytesMax else { throw RecordingError(offset: offset, reason: "damaged") }
    guard start + length <= bytes.count else { throw RecordingError(offset: offset, reason: "cut off") }
    let payload = start..<start + length
    // The pointers are used within the calls only.
    let checksum = bytes.withUnsafeBytes { bytes in
      CRC32C.checksum(
        UnsafeRawBufferPointer(rebasing: bytes[payload]),
        seed: CRC32C.checksum(UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + 4])))
    }
    guard checksum == number(bytes[offset + 4..<start]) else {
      throw RecordingError(offset: offset, reason: "damaged")
    }
    return payload
  }

  private static func littleEndian(_ number: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
  }

  private static func number(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    bytes.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  }
}

/// Why a file is no recording, or not all of one.
package struct RecordingError: Error, CustomStringConvertible, Hashable {
  /// In the file; nil if all of it is meant.
  var offset: Int?
  var reason: String

  package var description: String { offset.map { "\(reason) at byte \(Format.grouped($0))" } ?? reason }
}
