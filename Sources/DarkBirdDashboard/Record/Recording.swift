import DarkBird
package import Foundation

/// A recording that has been read and found good, up to where it is: its samples are made when they are wanted.
package struct Recording: Sendable {
  let identity: SourceIdentity
  /// When each sample was taken, in nanoseconds since the dashboard began.
  let times: [UInt64]
  /// Where and why the file ends too early; nil if it is whole.
  package let tear: String?

  private let bytes: [UInt8]
  private let samplesStart: Int

  /// - Throws: `RecordingError` if it is no recording, is of a later version, or has not one sample that can be read.
  /// - Complexity: O(bytes), about 10 microseconds a sample.
  package init(_ data: Data) throws(RecordingError) {
    let bytes = [UInt8](data)
    guard bytes.starts(with: RecordingFormat.magic), bytes.count >= RecordingFormat.headerBytes else {
      throw RecordingError(reason: "not a recording of darkbird")
    }
    let version = bytes[RecordingFormat.magic.count]
    guard version == RecordingFormat.version else {
      throw RecordingError(
        reason: "a recording of version \(version); this darkbird reads version \(RecordingFormat.version)")
    }
    let start = RecordingFormat.headerBytes
    guard let header = try RecordingFormat.payload(in: bytes, at: start) else {
      throw RecordingError(offset: start, reason: "cut off")
    }
    var decoder = RecordingDecoder(bytes)
    decoder.begin(header)
    var identity = SourceIdentity(title: "", location: "")
    do { try decoder.identity(&identity) } catch { throw RecordingError(offset: start, reason: "damaged") }
    self.identity = identity
    self.bytes = bytes
    samplesStart = header.upperBound

    var reader = RecordingReader(bytes, at: header.upperBound)
    var times: [UInt64] = []
    var tear: RecordingError?
    do {
      while let sample = try reader.next()?.sample { times.append(sample.nanoseconds) }
    } catch {
      tear = error
    }
    if times.isEmpty { throw tear ?? RecordingError(reason: "a recording without a sample") }
    self.times = times
    self.tear = tear.map { "\($0.description); the \(Format.grouped(times.count)) samples before it are shown" }
  }

  var samples: RecordingReader { RecordingReader(bytes, at: samplesStart) }

  var start: UInt64 { times.first ?? 0 }
  var end: UInt64 { times.last ?? 0 }
}

/// Reads the samples of a recording, oldest first.
struct RecordingReader: Sendable {
  private let bytes: [UInt8]
  private var offset: Int
  private var decoder: RecordingDecoder
  private var last: UInt64?
  /// Samples that have been read.
  private(set) var count = 0

  fileprivate init(_ bytes: [UInt8], at offset: Int) {
    self.bytes = bytes
    self.offset = offset
    decoder = RecordingDecoder(bytes)
  }

  /// nil at the end.
  mutating func next() throws(RecordingError) -> (sample: Sample, lines: [EventLine])? {
    guard let payload = try RecordingFormat.payload(in: bytes, at: offset) else { return nil }
    decoder.begin(payload)
    var sample = Sample(sequence: count, date: .distantPast, nanoseconds: 0, statistics: .init())
    var lines: [EventLine] = []
    do { try decoder.sample(&sample, &lines) } catch { throw RecordingError(offset: offset, reason: "damaged") }
    // Time only goes forward: a shift of places in the file would show here.
    guard decoder.isAtEnd, last.map({ sample.nanoseconds > $0 }) ?? true else {
      throw RecordingError(offset: offset, reason: "damaged")
    }
    last = sample.nanoseconds
    offset = payload.upperBound
    count += 1
    return (sample, lines)
  }
}
