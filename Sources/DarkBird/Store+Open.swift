extension Store where Key == Value, Document == Record {
  /// Opens any store on disk with the schema of its manifest.
  ///
  /// - Throws: as `init`; `.invalidConfiguration` for writing to a store with computed indexes, which only the program that
  ///   computes them can keep.
  public static func open(
    _ path: String, readOnly: Bool = true, configuration: StoreConfiguration? = nil
  ) throws(StoreError) -> Store {
    try open(path, readOnly: readOnly, configuration: configuration, PosixFileSystem())
  }

  /// As the public one, on other files.
  package static func open(
    _ path: String, readOnly: Bool, configuration: StoreConfiguration? = nil, _ fileSystem: any FileSystem
  ) throws(StoreError) -> Store {
    let schema = try StoreInspector.describe(path).schema
    if !readOnly && !schema.computed.isEmpty {
      let names = schema.computed.unique + schema.computed.tags + schema.computed.ranges
      throw .invalidConfiguration(
        reason:
          "\(path): can only be read without the program that computes its indexes (\(names.joined(separator: ", ")))")
    }
    var settings = configuration ?? .disk(at: path)
    settings.location = .disk(path: path)
    settings.isReadOnly = readOnly
    return try Store(settings, schema: IndexSchema(schema.fields), fileSystem: fileSystem)
  }
}
