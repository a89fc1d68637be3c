import Foundation
import Terminal

/// Recording what is seen.
extension Model {
  /// - Returns: nil if the command has nothing to do with recordings.
  mutating func performRecord(_ command: Command) -> [Effect]? {
    switch command {
    case .record:
      if recordingPath != nil { return [.record(nil)] }
      guard let date = history.last?.date else {
        browse.notice = "there is nothing to record before the first sample; press it again"
        return []
      }
      return [.record("\(fileName)-\(Self.stamp(date, zone))\(RecordingFormat.suffix)")]
    case .faster, .slower, .replayStart, .replayEnd:
      browse.notice =
        "only a recording can be played so; \(keyMap.key(of: .record, in: keyContext)) makes one, "
        + "'darkbird replay FILE' shows it"
      return []
    default: return nil
    }
  }

  /// The name of the store as one that any file system takes.
  var fileName: String {
    let name = identity.title.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "-" }.prefix(40)
    return name.contains { $0 != "-" } ? String(name.drop { $0 == "-" }) : "store"
  }

  private static func stamp(_ date: Date, _ zone: TimeZone) -> String {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = zone
    let parts = calendar.dateComponents([.year, .month, .day, .hour, .minute, .second], from: date)
    func two(_ number: Int?) -> String { (number ?? 0) < 10 ? "0\(number ?? 0)" : "\(number ?? 0)" }
    return "\(parts.year ?? 0)\(two(parts.month))\(two(parts.day))-\(two(parts.hour))\(two(parts.minute))"
      + two(parts.second)
  }
}
