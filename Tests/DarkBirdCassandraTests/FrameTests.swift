import Foundation
import NIOCore
import Testing

@testable import DarkBirdCassandra

/// Frames and what is in them: known bytes, everything there and back, and no bytes that stop the reader.
@Suite(.timeLimit(.minutes(30))) struct FrameTests {
  private func hex(_ text: String) -> [UInt8] {
    let digits = text.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
  }

  private func frame(_ text: String) throws -> CQLFrame {
    var buffer = ByteBuffer(bytes: hex(text))
    let frame = try #require(try CQLFrame.read(from: &buffer))
    #expect(buffer.readableBytes == 0 && frame.bytes == hex(text))
    return frame
  }

  private func request(_ request: CQLRequest, stream: Int16) throws -> [UInt8] {
    var body = ByteBuffer()
    try request.write(to: &body)
    return CQLFrame(isResponse: false, stream: stream, opcode: request.opcode, body: body).bytes
  }

  @Test func workedExamplesOfRequests() throws {
    #expect(try request(.options, stream: 5) == hex("04 00 0005 05 00000000"))
    #expect(
      try request(.startup([.init(name: "CQL_VERSION", value: "3.0.0")]), stream: 0)
        == hex("04 00 0000 01 00000016 0001 000b 43514c5f56455253494f4e 0005 332e302e30"))
    // \0user\0pw
    #expect(
      try request(.authResponse(PlainAuthentication.token(user: "user", password: "pw")), stream: 1)
        == hex("04 00 0001 0f 0000000c 00000008 00 75736572 00 7077"))
    var parameters = CQLParameters()
    parameters.consistency = .quorum
    parameters.values = [ByteBuffer(bytes: [7]), nil]
    parameters.pageSize = 100
    parameters.pagingState = [0xaa]
    parameters.serialConsistency = .localSerial
    parameters.timestamp = 1
    #expect(
      try request(.execute(id: [1, 2], parameters), stream: 2)
        == hex(
          "04 00 0002 0a 00000025 0002 0102 0004 3d 0002 00000001 07 ffffffff 00000064 00000001 aa 0009 0000000000000001"
        ))
    #expect(
      try request(.query("SELECT", CQLParameters()), stream: 3)
        == hex("04 00 0003 07 0000000d 00000006 53454c454354 0006 00"))
    var batch = CQLBatch(.unlogged)
    batch.entries = [.init(statement: .prepared([9]), values: [nil]), .init(statement: .query("X"), values: [])]
    batch.timestamp = 2
    #expect(
      try request(.batch(batch), stream: 4)
        == hex("04 00 0004 0d 00000020 01 0002 01 0001 09 0001 ffffffff 00 00000001 58 0000 0006 20 0000000000000002"))
  }

  @Test func workedExamplesOfAnswers() throws {
    #expect(try CQLResponse(frame("84 00 0001 02 00000000")) == .ready)
    #expect(try CQLResponse(frame("84 00 0001 08 00000004 00000001")) == .void)
    let overloaded = try CQLResponse(frame("84 00 0001 00 0000000a 00001001 0004 62757379"))
    #expect(overloaded == .error(CQLFailure(.overloaded, "busy")))
    // SELECT k, v FROM ks.t: one row, and more to come.
    let answer = try CQLResponse(
      frame(
        """
        84 00 0003 08 00000039 00000002 00000003 00000002 00000001 ff 0002 6b73 0001 74 0001 6b 000d 0001 76 0022 0009
        00000001 00000001 61 00000008 00000001 ffffffff
        """))
    guard case .rows(var rows) = answer else {
      Issue.record("\(answer)")
      return
    }
    #expect(rows.pagingState == [0xff] && rows.count == 1)
    #expect(rows.columns.map(\.type) == [.text, .set(.int)] && rows.columns.map(\.name) == ["k", "v"])
    #expect(try rows.next() == [.text("a"), .list([.null])])
    #expect(try rows.next() == nil)
    // With a warning and a tracing session before what is asked for.
    let warned = try CQLResponse(
      frame("84 0a 0001 02 00000015 00000000000000000000000000000001 0001 0001 77"))
    #expect(warned == .ready)
  }

  /// Version 4 of the protocol has no code for it: servers write the name of a class.
  @Test func workedExampleOfADuration() throws {
    let bytes = hex(
      """
      0000 002c 6f72672e6170616368652e63617373616e6472612e64622e6d61727368616c2e
      4475726174696f6e54797065
      """)
    var buffer = ByteBuffer(bytes: bytes)
    #expect(try CQLType.read(&buffer) == .duration && buffer.readableBytes == 0)
    try CQLType.duration.write(to: &buffer)
    #expect(Array(buffer.readableBytesView) == bytes)
    var later = ByteBuffer(bytes: [0x00, 0x15])
    #expect(try CQLType.read(&later) == .duration)
  }

  @Test func framesInPiecesOfAnySize() throws {
    let frames = try Body.failures.enumerated().map { CQLFrame.answer(.error, stream: Int16($0), try Body.failure($1)) }
    let bytes = frames.flatMap(\.bytes)
    for size in 1...40 {
      var buffer = ByteBuffer()
      var read: [CQLFrame] = []
      for start in stride(from: 0, to: bytes.count, by: size) {
        buffer.writeBytes(bytes[start..<min(start + size, bytes.count)])
        while let frame = try CQLFrame.read(from: &buffer) { read.append(frame) }
      }
      #expect(read == frames && buffer.readableBytes == 0)
    }
  }

  @Test(arguments: ["05", "ff", "00", "84 00 0000 03 10000001", "84 00 0000 04 00000000", "85 00 0000 02 00000000"])
  func framesThatAreNoneAreRefused(_ text: String) throws {
    // 05 is the next version of the protocol, which begins with one and is refused once its header is there.
    var buffer = ByteBuffer(bytes: hex(text + (text == "05" ? " 00 0000 05 00000000" : "")))
    #expect(throws: CQLMalformed.self) { try CQLFrame.read(from: &buffer) }
  }

  @Test func everyFailureComesBack() throws {
    #expect(Set(Body.failures.map(\.code)) == Set(CQLFailure.Code.allCases.map(\.rawValue)))
    for failure in Body.failures {
      let frame = CQLFrame.answer(.error, stream: 1, try Body.failure(failure))
      #expect(try CQLResponse(frame) == .error(failure))
    }
  }

  @Test func everyOtherAnswerComesBack() throws {
    func read(_ opcode: CQLFormat.Opcode, _ body: ByteBuffer) throws -> CQLResponse {
      try CQLResponse(.answer(opcode, stream: 1, body))
    }
    #expect(try read(.authenticate, Body.string("Plain")) == .authenticate("Plain"))
    #expect(try read(.authChallenge, Body.of { $0.writeCQL(bytes: [1]) }) == .authChallenge([1]))
    #expect(try read(.authSuccess, Body.of { $0.writeInteger(-1 as Int32) }) == .authSuccess([]))
    #expect(
      try read(.supported, Body.supported(["A": ["x", "y"], "B": []])) == .supported(["A": ["x", "y"], "B": []]))
    #expect(try read(.result, Body.setKeyspace("k")) == .setKeyspace("k"))
    let change = try read(.result, Body.schemaChange("CREATED", "FUNCTION", ["k", "f"], ["int"]))
    if case .schemaChange(let change) = change {
      #expect(change.change == "CREATED" && change.keyspace == "k" && change.name == "f" && change.arguments == ["int"])
    } else {
      Issue.record("\(change)")
    }
    let event = try Body.of {
      for text in ["STATUS_CHANGE", "DOWN"] { try $0.writeCQL(string: text) }
      $0.writeBytes([4, 127, 0, 0, 1])
      $0.writeInteger(9042 as Int32)
    }
    #expect(try read(.event, event) == .event(.status("DOWN", address: [127, 0, 0, 1], port: 9042)))
    let column = CQLColumn(keyspace: "k", table: "t", name: "c", type: .map(.text, .list(.int)))
    let prepared = try read(.result, Body.prepared([7], [column], partitionKey: [0], result: [column]))
    if case .prepared(let prepared) = prepared {
      #expect(prepared.id == [7] && prepared.parameters == [column] && prepared.partitionKey == [0])
    } else {
      Issue.record("\(prepared)")
    }
  }

  @Test func randomRowsOfEveryTypeComeBack() throws {
    var random = RandomCQL(seed: 1)
    for _ in 0..<300 {
      let columns = (0..<1 + random.below(5)).map {
        CQLColumn(keyspace: "k", table: "t\($0 % 2)", name: "c\($0)", type: random.type())
      }
      let rows = (0..<random.below(4)).map { _ in
        columns.map { random.below(5) == 0 ? .null : random.value($0.type) }
      }
      let body = try Body.rows(columns, rows, pagingState: random.below(2) == 0 ? nil : [1, 2], isGlobal: false)
      guard case .rows(var read) = try CQLResponse(.answer(.result, stream: 0, body)) else {
        Issue.record("no rows")
        return
      }
      #expect(read.columns == columns)
      for row in rows { #expect(try read.next() == row) }
      #expect(try read.next() == nil)
    }
  }

  @Test func requestsComeBack() throws {
    var random = RandomCQL(seed: 2)
    for _ in 0..<200 {
      var parameters = CQLParameters()
      parameters.consistency = Consistency.allCases[random.below(Consistency.allCases.count)]
      parameters.values = (0..<random.below(4)).map { _ in
        random.below(3) == 0 ? nil : ByteBuffer(bytes: random.bytes())
      }
      if random.below(2) == 0 { parameters.pageSize = Int32(random.below(5_000)) }
      if random.below(2) == 0 { parameters.pagingState = random.bytes() }
      if random.below(2) == 0 { parameters.serialConsistency = .serial }
      if random.below(2) == 0 { parameters.timestamp = Int64(random.below(99)) - 50 }
      var batch = CQLBatch([.logged, .unlogged, .counter][random.below(3)])
      batch.entries = (0..<random.below(4)).map { index in
        .init(statement: index % 2 == 0 ? .query("q\(index)") : .prepared(random.bytes()), values: parameters.values)
      }
      batch.timestamp = parameters.timestamp
      for request in [
        .query("SELECT é", parameters), .execute(id: random.bytes(), parameters), .batch(batch), .prepare("x"),
        .register(["UP", "DOWN"]), .authResponse(random.bytes()), .options,
      ] as [CQLRequest] {
        var body = ByteBuffer()
        try request.write(to: &body)
        #expect(try CQLRequest(opcode: request.opcode, body) == request)
      }
    }
  }

  /// Cut, with bytes changed: whatever comes is read or refused.
  @Test func damagedAnswersNeverTrap() throws {
    var random = RandomCQL(seed: 3)
    var refused = 0
    for _ in 0..<4_000 {
      let column = CQLColumn(keyspace: "k", table: "t", name: "c", type: random.type())
      let bodies = [
        try Body.rows([column], [[random.value(column.type)], [.null]], pagingState: random.bytes()),
        try Body.prepared(random.bytes(), [column], partitionKey: [0], result: [column]),
        try Body.failure(Body.failures[random.below(Body.failures.count)]),
      ]
      let which = random.below(3)
      var bytes = Array(bodies[which].readableBytesView)
      for _ in 0..<random.below(4) where !bytes.isEmpty {
        bytes[random.below(bytes.count)] = [0, 0xff, 0x7f, 0x80, UInt8(random.below(256))][random.below(5)]
      }
      if random.below(2) == 0 { bytes.removeLast(random.below(bytes.count)) }
      do {
        let answer = try CQLResponse(.answer(which == 2 ? .error : .result, stream: 0, ByteBuffer(bytes: bytes)))
        if case .rows(var rows) = answer { while try rows.next() != nil {} }
      } catch {
        refused += 1
      }
    }
    #expect(refused > 1_000)
  }
}
