import DarkBird
import Foundation

// Writes to a store until it is killed, and says on standard output what it was promised to keep:
//
//   KillProbe DIR WRITERS written|synced
//
// Each writer counts up the documents under its own ten keys, one `put` with that acknowledgement after the other. Once a put has
// returned, "key revision\n" goes out in one unbuffered write(2), so that a line which the parent has read is an
// acknowledgement that was given before the kill.

let arguments = CommandLine.arguments
guard arguments.count == 4, let writers = Int(arguments[2]), writers > 0,
  let acknowledgement = ["written": Acknowledgement.written, "synced": .synced][arguments[3]]
else {
  FileHandle.standardError.write(Data("usage: KillProbe DIR WRITERS written|synced\n".utf8))
  exit(64)
}

var configuration = StoreConfiguration.disk(at: arguments[1])
configuration.pageCapacity = .records(200)  // a kill now and then hits a rotation
configuration.checkpointLogBytes = 256 << 10  // or a checkpoint
let schema = FieldSchema(unique: ["name"], tags: ["writer"], ranges: ["revision"])
let store = try Store<Value, Record>(configuration, schema: IndexSchema(schema))

for writer in 0..<writers {
  let thread = Thread {
    do {
      let keys = (0..<10).map { "w\(writer)-\($0)" }
      var revisions = keys.map { key -> Int64 in
        if case .int(let revision)? = store[.string(key)]?["revision"] { revision } else { 0 }
      }
      while true {
        for (index, key) in keys.enumerated() {
          revisions[index] += 1
          let revision = revisions[index]
          let document: Record = [
            "name": .string("\(key)#\(revision)"), "writer": .int(Int64(writer)), "revision": .int(revision),
            "filler": .string(String(repeating: "x", count: 200)),
          ]
          try store.put(document, for: .string(key), ack: acknowledgement)
          FileHandle.standardOutput.write(Data("\(key) \(revision)\n".utf8))
        }
      }
    } catch {
      FileHandle.standardError.write(Data("KillProbe: \(error)\n".utf8))
      exit(1)
    }
  }
  thread.start()
}
while true { pause() }
