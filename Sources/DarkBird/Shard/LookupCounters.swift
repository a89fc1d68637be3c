public import CDarkBird
public import Synchronization

/// Lookups by shard and, in the last column, by unique value. Exact, and without a word that two threads write to: each thread
/// counts in a row of its own, by the number of its reader's record. Threads beyond `rowsMax` share one.
///
/// Unsafe corner: rows are allocated when a thread first counts, and freed with this object; columns come from a shard's number.
///
/// Unchecked: everything is atomic, and a row is made by the only thread that has its number.
@usableFromInline
final class LookupCounters: @unchecked Sendable {
  @usableFromInline typealias Row = UnsafeMutablePointer<Atomic<UInt64>>
  /// Threads with a row of their own.
  @usableFromInline static var rowsMax: Int { 64 }

  private let columns: Int
  /// Addresses of rows, 0 for one that is not there.
  @usableFromInline let rows: UnsafeMutablePointer<Atomic<UInt>>
  @usableFromInline let sharedRow: Row

  @usableFromInline
  init(shards: Int) {
    columns = shards + 1
    rows = .allocate(capacity: Self.rowsMax)
    for row in 0..<Self.rowsMax { (rows + row).initialize(to: Atomic(0)) }
    sharedRow = Self.makeRow(columns)
  }

  deinit {
    for row in 0..<Self.rowsMax { Row(bitPattern: rows[row].load(ordering: .acquiring))?.deallocate() }
    rows.deallocate()
    sharedRow.deallocate()
  }

  private static func makeRow(_ columns: Int) -> Row {
    // Whole cache lines, which no other row touches.
    let bytes = (columns * 8 + 127) & ~127
    let row = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 128)
      .bindMemory(to: Atomic<UInt64>.self, capacity: columns)
    for column in 0..<columns { (row + column).initialize(to: Atomic(0)) }
    return row
  }

  @inlinable @inline(__always)
  func count(_ column: Int, by reader: UnsafeMutablePointer<db_reader>) {
    let number = Int(reader.pointee.number)
    guard number < Self.rowsMax else {
      sharedRow[column].wrappingAdd(1, ordering: .relaxed)
      return
    }
    let row = Row(bitPattern: rows[number].load(ordering: .relaxed)) ?? addRow(number)
    row[column].store(row[column].load(ordering: .relaxed) &+ 1, ordering: .relaxed)
  }

  @usableFromInline
  func addRow(_ number: Int) -> Row {
    let row = Self.makeRow(columns)
    rows[number].store(UInt(bitPattern: row), ordering: .releasing)
    return row
  }

  /// Lookups by shard, and by unique value. O(shards × threads).
  func totals() -> (byShard: [UInt64], unique: UInt64) {
    let all = [sharedRow] + (0..<Self.rowsMax).compactMap { Row(bitPattern: rows[$0].load(ordering: .acquiring)) }
    var totals = (0..<columns).map { column in
      all.reduce(UInt64(0)) { $0 &+ $1[column].load(ordering: .relaxed) }
    }
    let unique = totals.removeLast()
    return (totals, unique)
  }
}
