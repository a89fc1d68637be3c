import DarkBird
import Foundation
import Testing

@testable import DarkBirdDashboard

@Suite struct ISODateTests {
  @Test(arguments: [
    ("1970-01-01", 0.0), ("2024-01-31", 1_706_659_200), ("2024-01-31T08:30:00Z", 1_706_689_800),
    ("2024-01-31T08:30:00", 1_706_689_800), ("2024-01-31 08:30:00", 1_706_689_800),
    ("2024-01-31T10:30:00+02:00", 1_706_689_800), ("2024-01-31T03:00:00-05:30", 1_706_689_800),
    ("2024-01-31T08:30:00.25Z", 1_706_689_800.25), ("2000-02-29", 951_782_400), ("1969-12-31T23:59:59Z", -1),
    ("0001-01-01", -62_135_596_800), ("9999-12-31", 253_402_214_400),
  ])
  func formsThatDataFilesUse(text: String, seconds: Double) {
    #expect(ISODate.parse(Array(text.utf8))?.timeIntervalSince1970 == seconds)
  }

  @Test(arguments: [
    "", "2024", "2024-01", "2024-1-31", "2024-13-01", "2024-00-01", "2024-01-00", "2024-04-31", "1900-02-29",
    "0000-01-01",
    "2024-01-31T", "2024-01-31T08:30", "2024-01-31T24:00:00Z", "2024-01-31T08:60:00Z", "2024-01-31T08:30:60Z",
    "2024-01-31T08:30:00.Z", "2024-01-31T08:30:00+0200", "2024-01-31T08:30:00Zx", "2024-01-31x", "20240131",
  ])
  func otherFormsAreText(text: String) {
    #expect(ISODate.parse(Array(text.utf8)) == nil)
  }

  /// Every day from 1600 to 2400, against the calendar of Foundation.
  @Test func everyDayOfEightCenturies() throws {
    var calendar = Calendar(identifier: .gregorian)
    calendar.timeZone = try #require(TimeZone(identifier: "UTC"))
    var day = try #require(calendar.date(from: DateComponents(year: 1_600, month: 1, day: 1)))
    let end = try #require(calendar.date(from: DateComponents(year: 2_400, month: 1, day: 1)))
    while day < end {
      let parts = calendar.dateComponents([.year, .month, .day], from: day)
      func padded(_ number: Int?) -> String { (number ?? 0) < 10 ? "0\(number ?? 0)" : "\(number ?? 0)" }
      let text = "\(parts.year ?? 0)-\(padded(parts.month))-\(padded(parts.day))"
      try #require(ISODate.parse(Array(text.utf8)) == day, "\(text)")
      day += 86_400
    }
  }
}
