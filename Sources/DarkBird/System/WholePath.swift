import Foundation

/// A path from the root on and without links, as far as it exists; what does not exist yet comes behind that as it is.
func wholePath(_ path: String) -> String {
  var url = URL(filePath: path).standardizedFileURL
  var missing: [String] = []
  while true {
    let existing = url.path(percentEncoded: false)
    if let real = realpath(existing, nil) {
      defer { free(real) }
      let parts = [String(cString: real)] + missing.reversed()
      return parts.joined(separator: "/").replacing("//", with: "/")
    }
    if url.pathComponents.count <= 1 { return existing }
    missing.append(url.lastPathComponent)
    url.deleteLastPathComponent()
  }
}
