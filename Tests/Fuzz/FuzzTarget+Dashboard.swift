import Foundation
import Terminal

@testable import DarkBird
@testable import DarkBirdDashboard

extension FuzzTarget {
  /// Samples of a recording, each with a right checksum around it: 0xFF 0xFF parts them.
  static let recording = FuzzTarget(
    name: "recording",
    seeds: {
      var encoder = RecordingEncoder()
      let samples: [[UInt8]] = try (1...3).map { number in
        var sample = Sample(sequence: 0, date: Date(), nanoseconds: UInt64(number) << 30, statistics: .init())
        sample.statistics.shards = Array(repeating: .init(), count: 4)
        sample.statistics.log = .init()
        sample.workload = WorkloadSample(progress: WorkloadProgress())
        var lines = [EventLine(.put, date: Date(), shard: 1, key: "k\(number)", detail: "a=1", bytes: 9)]
        encoder.begin()
        try encoder.sample(&sample, &lines)
        return encoder.bytes
      }
      return [samples[0], Array(samples.joined(separator: [0xFF, 0xFF]))]
    },
    run: { bytes in
      var file = RecordingFormat.start
      var identity = SourceIdentity(title: "fuzz", location: "memory")
      var encoder = RecordingEncoder()
      try? encoder.identity(&identity)
      file += RecordingFormat.frame(encoder.bytes)
      let payloads = [UInt8](bytes).split(separator: [0xFF, 0xFF], omittingEmptySubsequences: false)
      for payload in payloads where payload.count <= RecordingFormat.payloadBytesMax {
        file += RecordingFormat.frame(Array(payload))
      }
      guard let recording = try? Recording(Data(file)) else { return }
      var model = Model(identity: recording.identity, width: 120, height: 40, glyphs: .braille, zone: .current)
      model.replay = ReplayState(recording)
      _ = model.update(.reached(.max, seek: 0))
      _ = Renderer.render(model, colors: .full)
    })

  /// What somebody leaves in an editor.
  static let draft = FuzzTarget(
    name: "draft",
    seeds: {
      ["{\"a\": 1, \"when\": \"2024-02-29\"}", "{\"key\": 1, \"document\": {\"b\": [1.5e3, null]}}"].map {
        Array($0.utf8)
      }
    },
    run: { bytes in
      let old: Record = [
        "when": .date(Date(timeIntervalSince1970: 0)), "bytes": .bytes([1]), "b": [1.0], "a": ["x": 1.0],
      ]
      let row = ResultRow(key: RowKey(text: "k"), shard: 0, lsn: 1, record: old, bytes: 1)
      for var draft in [Draft(replacing: row), Draft(insertAfter: old)] {
        draft.text = String(decoding: bytes, as: UTF8.self)
        guard let change = try? draft.change() else { continue }
        // What was taken can be shown, and is taken again without a difference.
        guard case .replace(_, _, let record) = change else { continue }
        let again = Draft(replacing: ResultRow(key: row.key, shard: 0, lsn: 1, record: record, bytes: 1))
        guard (try? again.change()) == .some(nil) else { fatalError("not the same again: \(record)") }
      }
    })
}
