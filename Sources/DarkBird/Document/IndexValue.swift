public import Foundation

public enum IndexValue: Hashable, Sendable {
  case bool(Bool)
  case int(Int64)
  case double(Double)
  case date(Date)
  case string(String)
}
