import DarkBird

/// The document of all rows: seven fields, about 190 bytes encoded.
///
/// Its content follows from its number alone; the peers of `Benchmarks` make the same bytes by the same formula, which is
/// written down in `init(number:)`.
struct BenchDocument: Document, Hashable {
  static let cities = 1_000
  static let teams = 50
  static let ages = 10_000

  var name: String
  var email: String
  var city: String
  var team: String
  var age: Int
  var score: Double
  var bio: String

  static let schema: IndexSchema<BenchDocument> = [
    .unique("email", \.email), .tag("city", \.city), .tag("team", \.team), .range("age", \.age),
  ]

  /// Takes four random numbers and more for the words of the bio, all from splitmix64 with the document's number as its
  /// seed: name; city and team; age and score; number of words; then one for each three words.
  init(number: Int) {
    var random = SplitMix64(seed: UInt64(number))
    var text = Text()
    let names = random.next()
    text.word(names, isCapital: true)
    text.append(" ")
    text.word(names >> 18, isCapital: true)
    name = text.take()
    email = Self.email(number)
    let places = random.next()
    city = Self.city(Int(places % UInt64(Self.cities)))
    team = Self.team(Int(places >> 32 % UInt64(Self.teams)))
    let numbers = random.next()
    age = Int(numbers % UInt64(Self.ages))
    score = Double(numbers >> 32 % 10_000) / 100
    let words = 8 + Int(random.next() & 7)
    var bits: UInt64 = 0
    for word in 0..<words {
      if word % 3 == 0 { bits = random.next() }
      if word > 0 { text.append(" ") }
      text.word(bits, isCapital: false)
      bits >>= 18
    }
    bio = text.take()
  }

  /// `nodiva.0000042@mail.info`: the first name and the number.
  static func email(_ number: Int) -> String {
    var random = SplitMix64(seed: UInt64(number))
    var text = Text()
    text.word(random.next(), isCapital: false)
    text.append(".")
    text.digits(number, width: 7)
    text.append("@mail.info")
    return text.take()
  }

  /// `Nodiva042`.
  static func city(_ number: Int) -> String {
    var random = SplitMix64(seed: UInt64(number))
    var text = Text()
    text.word(random.next(), isCapital: true)
    text.digits(number, width: 3)
    return text.take()
  }

  /// `Nodiva42`.
  static func team(_ number: Int) -> String {
    var random = SplitMix64(seed: UInt64(cities + number))
    var text = Text()
    text.word(random.next(), isCapital: true)
    text.digits(number, width: 2)
    return text.take()
  }

  func encode(cbor writer: inout CBORWriter) {
    writer.beginMap(count: 7)
    writer.write("name")
    writer.write(name)
    writer.write("email")
    writer.write(email)
    writer.write("city")
    writer.write(city)
    writer.write("team")
    writer.write(team)
    writer.write("age")
    writer.write(age)
    writer.write("score")
    writer.write(score)
    writer.write("bio")
    writer.write(bio)
  }

  init(cbor reader: inout CBORReader) throws {
    (name, email, city, team, age, score, bio) = ("", "", "", "", 0, 0, "")
    for _ in 0..<(try reader.readMapHeader()) {
      switch try reader.readName() {
      case "name": name = try reader.readString()
      case "email": email = try reader.readString()
      case "city": city = try reader.readString()
      case "team": team = try reader.readString()
      case "age": age = try reader.readInt()
      case "score": score = try reader.readDouble()
      case "bio": bio = try reader.readString()
      default: try reader.skipValue()
      }
    }
  }
}

/// Text from random bits, ASCII.
private struct Text {
  private static let consonants = Array("bdfgklmnprstvzhj".utf8)
  private static let vowels = Array("aeio".utf8)
  private var bytes: [UInt8] = []

  init() { bytes.reserveCapacity(128) }

  mutating func append(_ text: StaticString) {
    // Safe: a literal lives for ever.
    bytes.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
  }

  /// Six letters from the 18 low bits: three times a consonant and a vowel.
  mutating func word(_ bits: UInt64, isCapital: Bool) {
    let start = bytes.count
    for syllable in 0..<3 {
      let part = Int(truncatingIfNeeded: bits >> (6 * syllable))
      bytes.append(Self.consonants[part & 15])
      bytes.append(Self.vowels[part >> 4 & 3])
    }
    if isCapital { bytes[start] -= 32 }
  }

  mutating func digits(_ number: Int, width: Int) {
    let start = bytes.count
    var rest = number
    for _ in 0..<width {
      bytes.append(48 + UInt8(rest % 10))
      rest /= 10
    }
    bytes[start...].reverse()
  }

  /// What was appended since the last call.
  mutating func take() -> String {
    defer { bytes.removeAll(keepingCapacity: true) }
    return String(decoding: bytes, as: UTF8.self)
  }
}
