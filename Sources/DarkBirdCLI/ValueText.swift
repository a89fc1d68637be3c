import DarkBird
import Foundation

/// What a word of the command line may stand for in a store: itself, then the number, truth value or date it reads as, or the UUID
/// as stores hold it.
func readings(of text: String) -> [Value] {
  let typed = UUID(uuidString: text).map { .string($0.uuidString) } ?? CSVReader.value(text) ?? .string(text)
  return typed == .string(text) ? [typed] : [.string(text), typed]
}
