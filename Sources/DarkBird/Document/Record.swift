/// A document without a type: named values in the order in which they were written.
///
/// Two records are equal if they have the same fields in the same order; a record is a list, and equality and hashing
/// are those of the list. A name occurs once at most.
public struct Record: Hashable, Sendable {
  public struct Field: Hashable, Sendable {
    public var name: String
    public var value: Value

    public init(name: String, value: Value) {
      self.name = name
      self.value = value
    }
  }

  /// The fields in their order. No two have the same name.
  public private(set) var fields: [Field]

  public init() {
    fields = []
  }

  /// Takes the fields in their order. Where a name occurs again, the later value stands in the earlier place.
  /// - Complexity: O(fields).
  public init(_ elements: some Sequence<(String, Value)>) {
    fields = []
    var places: [String: Int] = [:]
    for (name, value) in elements {
      if let place = places[name] {
        fields[place].value = value
      } else {
        places[name] = fields.count
        fields.append(Field(name: name, value: value))
      }
    }
  }

  /// Nil if a name occurs twice.
  init?(distinct fields: [Field]) {
    // Looking back through a few names is faster than hashing them.
    if fields.count <= 16 {
      for index in fields.indices.dropFirst() {
        for earlier in fields[..<index] where earlier.name == fields[index].name { return nil }
      }
    } else if Set(fields.lazy.map(\.name)).count < fields.count {
      return nil
    }
    self.fields = fields
  }

  public var isEmpty: Bool { fields.isEmpty }
  public var count: Int { fields.count }

  /// The value under a name, nil if there is none. Setting keeps the place of a field that exists, appends one that
  /// does not, and removes it for nil.
  /// - Complexity: O(fields). Documents have few fields, and a search through them beats a hash table.
  public subscript(name: String) -> Value? {
    get { fields.first { $0.name == name }?.value }
    set {
      switch (fields.firstIndex { $0.name == name }, newValue) {
      case (let index?, let value?): fields[index].value = value
      case (let index?, nil): fields.remove(at: index)
      case (nil, let value?): fields.append(Field(name: name, value: value))
      case (nil, nil): break
      }
    }
  }

  /// The value under a path of names with dots between them: `address.city` is the field `city` of the map `address`.
  /// A field whose own name is the whole path comes first, then the one with the shortest name that leads to a value.
  public func value(at path: String) -> Value? {
    if let value = self[path] { return value }
    var dot = path.firstIndex(of: ".")
    while let end = dot {
      let rest = path[path.index(after: end)...]
      if case .map(let inner)? = self[String(path[..<end])], let value = inner.value(at: String(rest)) { return value }
      dot = rest.firstIndex(of: ".")
    }
    return nil
  }
}

extension Record {
  /// Only some of the fields, those it has, in that order; `address.city` is a field of a field and keeps that name.
  package func only(_ paths: [String]) -> Record {
    Record(paths.compactMap { path in value(at: path).map { (path, $0) } })
  }
}

extension Record: ExpressibleByDictionaryLiteral {
  /// The last of several values under one name is kept.
  public init(dictionaryLiteral elements: (String, Value)...) {
    self.init(elements)
  }
}

extension Record: Document {
  /// - Throws: `CBORError` if arrays and maps lie more than 64 deep in each other, the record included.
  public func encode(cbor writer: inout CBORWriter) throws {
    try writer.write(self)
  }

  public init(cbor reader: inout CBORReader) throws {
    self = try reader.readRecord()
  }
}

extension Record: CustomStringConvertible {
  /// One line like JSON, cut after about 120 characters.
  public var description: String {
    var text = ""
    appendSummary(to: &text)
    return text
  }

  func appendSummary(to text: inout String) {
    text += "{"
    for (index, field) in fields.enumerated() {
      if index > 0 { text += ", " }
      guard text.utf8.count < 120 else {
        text += "…"
        break
      }
      text += "\(field.name): "
      field.value.appendSummary(to: &text)
    }
    text += "}"
  }
}

/// For other coders, such as `JSONEncoder`, which may not keep the order.
extension Record: Codable {
  private struct Name: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
  }

  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Name.self)
    for field in fields { try container.encode(field.value, forKey: Name(stringValue: field.name)) }
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Name.self)
    self.init(try container.allKeys.map { ($0.stringValue, try container.decode(Value.self, forKey: $0)) })
  }
}
