import Foundation
import Terminal

/// Numbers, times and texts as the screen shows them: short, with their unit, and of a width that does not jump.
package enum Format {
  /// `1204117` as `1,204,117`.
  static func grouped(_ value: Int) -> String {
    let digits = Array(String(value.magnitude))
    var text = value < 0 ? "-" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return text
  }

  static func grouped(_ value: UInt64) -> String { grouped(Int(clamping: value)) }

  /// At most six columns: `7`, `999`, `41.0k`, `184.2k`, `1.2M`.
  static func short(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    var scaled = value.magnitude
    let sign = value < 0 ? "-" : ""
    if scaled < 999.5 { return sign + String(Int(scaled.rounded())) }
    for unit in ["k", "M", "G", "T", "P"] {
      scaled /= 1_000
      if scaled < 999.95 { return sign + decimal(scaled, places: 1) + unit }
    }
    return sign + "huge"
  }

  static func short(_ value: Int) -> String { short(Double(value)) }
  static func short(_ value: UInt64) -> String { short(Double(value)) }

  /// A rate: as `short`, with one decimal below ten so that slow things do not read as zero.
  static func rate(_ perSecond: Double) -> String {
    guard perSecond.isFinite else { return "-" }
    if perSecond > 0, perSecond < 9.95 { return perSecond < 0.05 ? "<0.1" : decimal(perSecond, places: 1) }
    return short(perSecond)
  }

  /// `312 B`, `12.4 kB`, `1.2 GB`.
  static func bytes(_ value: Double) -> String {
    guard value.isFinite else { return "-" }
    var scaled = max(0, value)
    if scaled < 999.5 { return String(Int(scaled.rounded())) + " B" }
    for unit in ["kB", "MB", "GB", "TB", "PB"] {
      scaled /= 1_000
      if scaled < 999.95 { return decimal(scaled, places: 1) + " " + unit }
    }
    return "huge"
  }

  package static func bytes(_ value: Int) -> String { bytes(Double(value)) }

  /// At most five columns: `85ns`, `4.0us`, `1.1ms`, `31ms`, `1.2s`, `75s`.
  static func time(nanoseconds: Double) -> String {
    guard nanoseconds.isFinite, nanoseconds >= 0 else { return "-" }
    if nanoseconds < 999.5 { return String(Int(nanoseconds.rounded())) + "ns" }
    if nanoseconds < 9_950 { return decimal(nanoseconds / 1e3, places: 1) + "us" }
    if nanoseconds < 999_500 { return String(Int((nanoseconds / 1e3).rounded())) + "us" }
    if nanoseconds < 9_950_000 { return decimal(nanoseconds / 1e6, places: 1) + "ms" }
    if nanoseconds < 999_500_000 { return String(Int((nanoseconds / 1e6).rounded())) + "ms" }
    if nanoseconds < 9_950_000_000 { return decimal(nanoseconds / 1e9, places: 1) + "s" }
    return String(Int(min(nanoseconds / 1e9, 99_999).rounded())) + "s"
  }

  static func time(nanoseconds: UInt64) -> String { time(nanoseconds: Double(nanoseconds)) }

  /// Seconds with one decimal, `0.4s`, and below a twentieth of one ` 8ms`: in as many columns.
  static func seconds(nanoseconds: UInt64) -> String {
    if nanoseconds >= 50_000_000 { return decimal(Double(nanoseconds) / 1e9, places: 1) + "s" }
    return right("\((nanoseconds + 500_000) / 1_000_000)ms", 4)
  }

  /// How long something lasts, in at most five columns: `0.4s`, `12s`, `14m`, `2.5h`.
  static func span(nanoseconds: UInt64) -> String {
    let seconds = Double(nanoseconds) / 1e9
    func short(_ value: Double) -> String {
      let text = decimal(value, places: 1)
      return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    }
    if seconds < 9.95 { return short(seconds) + "s" }
    if seconds < 119.5 { return String(Int(seconds.rounded())) + "s" }
    if seconds < 5_970 { return String(Int((seconds / 60).rounded())) + "m" }
    return short(min(seconds / 3_600, 9_999)) + "h"
  }

  /// `00:07`, `14:09`, `2:14:09`, `3d 02:14`.
  static func uptime(nanoseconds: UInt64) -> String {
    let seconds = Int(clamping: nanoseconds / 1_000_000_000)
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60)
    if days > 0 { return "\(days)d \(padded(hours)):\(padded(minutes))" }
    if hours > 0 { return "\(hours):\(padded(minutes)):\(padded(seconds % 60))" }
    return "\(padded(minutes)):\(padded(seconds % 60))"
  }

  /// `62%`; a part that is not nothing never reads `0%`, one that is not all never `100%`.
  static func percent(_ fraction: Double) -> String {
    guard fraction.isFinite else { return "-" }
    if fraction > 0, fraction < 0.01 { return "<1%" }
    if fraction < 1, fraction > 0.99 { return "99%" }
    return String(Int((min(max(fraction, 0), 9.99) * 100).rounded())) + "%"
  }

  /// `0.6%`, `143%`: shares of a processor.
  static func cpu(_ fraction: Double) -> String {
    let percent = max(0, fraction.isFinite ? fraction * 100 : 0)
    return percent < 9.95 ? decimal(percent, places: 1) + "%" : String(Int(min(percent, 99_999).rounded())) + "%"
  }

  /// The time of day, `12:04:51` or `12:04:51.204`.
  static func clock(_ date: Date, in zone: TimeZone, milliseconds: Bool = false) -> String {
    let total = date.timeIntervalSince1970 + Double(zone.secondsFromGMT(for: date))
    guard total.isFinite, total.magnitude < 1e15 else { return "--:--:--" }
    // Rounded down as a whole, so that 59.9996 s never reads 60.000.
    let thousandths = Int((total * 1_000).rounded(.down))
    let ofDay = ((thousandths % 86_400_000) + 86_400_000) % 86_400_000
    let text = "\(padded(ofDay / 3_600_000)):\(padded(ofDay / 60_000 % 60)):\(padded(ofDay / 1_000 % 60))"
    guard milliseconds else { return text }
    let fraction = String(ofDay % 1_000)
    return text + "." + String(repeating: "0", count: 3 - fraction.count) + fraction
  }

  /// A fixed number of decimals, without the cost and the locale of a format string.
  static func decimal(_ value: Double, places: Int) -> String {
    guard value.isFinite, value.magnitude < 1e15 else { return "-" }
    var scale = 1
    for _ in 0..<places { scale *= 10 }
    let scaled = Int((value.magnitude * Double(scale)).rounded())
    let sign = value < 0 && scaled > 0 ? "-" : ""
    guard places > 0 else { return sign + String(scaled) }
    let fraction = String(scaled % scale)
    return sign + String(scaled / scale) + "." + String(repeating: "0", count: places - fraction.count) + fraction
  }

  static func right(_ text: String, _ width: Int) -> String {
    let missing = width - displayWidth(text)
    return missing > 0 ? String(repeating: " ", count: missing) + text : text
  }

  static func left(_ text: String, _ width: Int) -> String {
    let missing = width - displayWidth(text)
    return missing > 0 ? text + String(repeating: " ", count: missing) : text
  }

  private static func padded(_ value: Int) -> String { value < 10 ? "0\(value)" : String(value) }
}

extension Format {
  /// Round numbers beside an axis: `200k`, `2.5k`, `100`.
  static func axis(_ value: Double) -> String {
    if value < 10, value != value.rounded() { return decimal(value, places: 1) }
    let text = short(value)
    guard let dot = text.firstRange(of: ".0") else { return text }
    return text.replacingCharacters(in: dot, with: "")
  }

  /// A time that lies back, under a graph: `-45s`, `-7.5m`.
  static func ago(seconds: Double) -> String {
    if seconds < 119.5 { return "-\(Int(seconds.rounded()))s" }
    let isHours = seconds >= 5_970
    let text = decimal(seconds / (isHours ? 3_600 : 60), places: 1)
    return "-" + (text.hasSuffix(".0") ? String(text.dropLast(2)) : text) + (isHours ? "h" : "m")
  }

  /// A text in lines of whole words; a word that is too long is cut.
  static func wrapped(_ text: String, _ width: Int) -> [String] {
    guard width > 0 else { return [] }
    var lines: [String] = []
    var line = ""
    for word in text.split(separator: " ") {
      if !line.isEmpty, displayWidth(line) + 1 + displayWidth(String(word)) > width {
        lines.append(line)
        line = ""
      }
      line += (line.isEmpty ? "" : " ") + word
    }
    return line.isEmpty ? lines : lines + [line]
  }

  /// In as many lines as there is room for; the last one has a sign if something is missing.
  static func wrapped(_ text: String, _ width: Int, lines: Int, _ glyphs: GlyphTier) -> [String] {
    let all = wrapped(text, width)
    guard all.count > lines, lines > 0 else { return Array(all.prefix(max(0, lines))) }
    return all.prefix(lines - 1) + [clipped(all[(lines - 1)...].joined(separator: " "), width, glyphs)]
  }

  /// `1 document`, `1,204 documents`.
  package static func counted(_ number: Int, _ noun: String) -> String {
    "\(grouped(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  /// The beginning of a text that is too long, with a sign that something is missing.
  static func clipped(_ text: String, _ width: Int, _ glyphs: GlyphTier) -> String {
    if displayWidth(text) <= width { return text }
    guard width > 1 else { return width == 1 ? glyphs.ellipsis : "" }
    var kept = ""
    var columns = 0
    for character in text {
      columns += displayWidth(String(character))
      if columns > width - 1 { break }
      kept.append(character)
    }
    return kept + glyphs.ellipsis
  }

  /// As wide as `width` at most, with a mark in the middle: of names that begin alike the ends tell them apart.
  static func clippedMiddle(_ text: String, _ width: Int, _ glyphs: GlyphTier) -> String {
    guard displayWidth(text) > width, width >= 5 else { return clipped(text, width, glyphs) }
    var end = ""
    for character in text.reversed() {
      let longer = String(character) + end
      if displayWidth(longer) > (width - 1) / 2 { break }
      end = longer
    }
    return clipped(text, width - displayWidth(end), glyphs) + end
  }
}
