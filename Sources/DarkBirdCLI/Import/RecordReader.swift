import DarkBird
import DarkBirdDashboard

/// Documents of a file, one after the other, in constant memory.
protocol RecordReader {
  /// The next document, or what is wrong with it; nil at the end of the file.
  /// - Throws: `Failure` if the file cannot be read on.
  mutating func next() throws(Failure) -> NumberedRecord?
}

/// What a file holds at a line.
struct NumberedRecord {
  /// Of the first line of the record, from 1.
  var line: Int
  /// Nil where the key is a field of the document.
  var key: Value?
  var content: Result<Record, BadInput>
}
