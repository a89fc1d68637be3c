import DarkBird
import Foundation

/// What a word of the command line may stand for in a store: itself, then the number, truth value or date it reads as.
func readings(of text: String) -> [Value] {
  let typed = CSVReader.value(text) ?? .string(text)
  if case .string = typed { return [.string(text)] }
  return [.string(text), typed]
}
