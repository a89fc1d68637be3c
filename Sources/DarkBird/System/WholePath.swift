import Foundation

/// A path from the root on: a process that changes its directory means another file by any other path. What is empty stays so.
func absolutePath(_ path: String) -> String {
  path.isEmpty || path.hasPrefix("/") ? path : FileManager.default.currentDirectoryPath + "/" + path
}

/// A path from the root on and without links, as far as it exists; what does not exist yet comes behind that as it is.
func wholePath(_ path: String) -> String {
  let absolute = absolutePath(path)
  // Not without `..` first: behind a link it leads elsewhere than the text says.
  var parts = absolute.split(separator: "/").map(String.init)
  var missing: [String] = []
  while true {
    if let found = realpath("/" + parts.joined(separator: "/"), nil) {
      defer { free(found) }
      let real = String(cString: found)
      return ([real == "/" ? "" : real] + missing.reversed()).joined(separator: "/")
    }
    guard let last = parts.popLast() else { return absolute }
    missing.append(last)
  }
}
