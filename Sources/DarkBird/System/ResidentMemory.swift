import Foundation

/// Memory of this process that is in RAM, in bytes. `DarkBirdBench` has this file too, for it is also compiled in a package of
/// its own.
package func residentBytes() throws -> Int {
  #if canImport(Darwin)
    var information = mach_task_basic_info()
    var count = mach_msg_type_number_t(MemoryLayout<mach_task_basic_info>.size / MemoryLayout<natural_t>.size)
    // Safe: the structure is as large as `count` says, and is written within the call only.
    let code = withUnsafeMutablePointer(to: &information) { pointer in
      pointer.withMemoryRebound(to: integer_t.self, capacity: Int(count)) {
        task_info(mach_task_self_, task_flavor_t(MACH_TASK_BASIC_INFO), $0, &count)
      }
    }
    guard code == KERN_SUCCESS else { throw CocoaError(.fileReadUnknown) }
    return Int(information.resident_size)
  #else
    let fields = try String(contentsOfFile: "/proc/self/statm", encoding: .utf8).split(separator: " ")
    guard fields.count > 1, let pages = Int(fields[1]) else { throw CocoaError(.fileReadCorruptFile) }
    return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
  #endif
}
