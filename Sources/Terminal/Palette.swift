/// The xterm palette, for terminals that have fewer colours, or more.
enum Palette {
  struct RGB: Equatable {
    let red: Int
    let green: Int
    let blue: Int
  }

  /// The sixteen colours as xterm has them; 8 and up are the bright ones.
  private static let named: [RGB] = [
    RGB(red: 0, green: 0, blue: 0), RGB(red: 205, green: 0, blue: 0), RGB(red: 0, green: 205, blue: 0),
    RGB(red: 205, green: 205, blue: 0), RGB(red: 0, green: 0, blue: 238), RGB(red: 205, green: 0, blue: 205),
    RGB(red: 0, green: 205, blue: 205), RGB(red: 229, green: 229, blue: 229), RGB(red: 127, green: 127, blue: 127),
    RGB(red: 255, green: 0, blue: 0), RGB(red: 0, green: 255, blue: 0), RGB(red: 255, green: 255, blue: 0),
    RGB(red: 92, green: 92, blue: 255), RGB(red: 255, green: 0, blue: 255), RGB(red: 0, green: 255, blue: 255),
    RGB(red: 255, green: 255, blue: 255),
  ]

  /// What index `index` looks like: 16...231 are a cube of 6 steps, 232...255 greys.
  static func rgb(_ index: UInt8) -> RGB {
    let index = Int(index)
    if index < 16 { return named[index] }
    if index >= 232 {
      let grey = 8 + (index - 232) * 10
      return RGB(red: grey, green: grey, blue: grey)
    }
    func step(_ value: Int) -> Int { value == 0 ? 0 : 55 + value * 40 }
    let cube = index - 16
    return RGB(red: step(cube / 36), green: step(cube / 6 % 6), blue: step(cube % 6))
  }

  /// The nearest of the sixteen.
  static func sixteen(_ index: UInt8) -> UInt8 { nearest[Int(index)] }

  private static let nearest: [UInt8] = (0...255).map { index in
    if index < 16 { return UInt8(index) }
    let wanted = rgb(UInt8(index))
    let distances = named.map { colour in
      // Weighted as the eye sees: green most, blue least.
      let (red, green, blue) = (wanted.red - colour.red, wanted.green - colour.green, wanted.blue - colour.blue)
      return 3 * red * red + 4 * green * green + 2 * blue * blue
    }
    let best = distances.enumerated().min { $0.element < $1.element }
    return UInt8(best?.offset ?? 7)
  }
}
