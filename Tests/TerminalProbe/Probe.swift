import Synchronization
import Terminal

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// What the terminal tests run inside a real terminal: it opens the screen, reports every input on the pipe named by its
/// argument, one a line, and ends in the way that the last key asks for.
@main
struct Probe {
  static func main() {
    guard CommandLine.arguments.count >= 2, let reports = fopen(CommandLine.arguments[1], "a") else { exit(64) }
    setvbuf(reports, nil, _IOLBF, 0)
    do {
      var probe = Probe(screen: try CursesScreen(), reports: reports)
      probe.run()
    } catch {
      complain("probe: \(error)\n")
      exit(69)
    }
  }

  var screen: CursesScreen
  let reports: UnsafeMutablePointer<FILE>
  var random = SeededGenerator(seed: 1)

  mutating func run() {
    report("pid \(getpid())")
    showFirst()
    while let input = screen.wait(until: nil) {
      switch input {
      case .key(let key):
        report("key \(key)")
        act(on: key)
      case .mouse(let event): report("mouse \(event.action) \(event.x),\(event.y)")
      case .paste(let text): report("paste \(Array(text.unicodeScalars.map(\.value)))")
      case .resize(let width, let height):
        report("resize \(width)x\(height)")
        show("resized")
      case .interrupt(let interrupt):
        report("interrupt \(interrupt)")
        leave(0)
      case .resume: report("resume")
      case .hangup:
        report("hangup")
        leave(0)
      case .wake: report("wake")
      }
    }
  }

  private mutating func act(on key: Key) {
    switch key {
    case .character("q"): leave(0)
    case .character("x"): exit(3)
    case .character("t"): preconditionFailure("the probe traps")
    case .character("s"): UnsafeMutablePointer<Int>(bitPattern: 8)?.pointee = 1
    case .character("a"): abort()
    case .character("o"): report("overflow \(overflow(0))")
    case .character("T"):
      startThread { preconditionFailure("a thread of the probe traps") }
    case .character("w"):
      let waker = screen.waker
      startThread { waker.wake() }
    case .character("e"):
      complain("a line on standard error\n")
      report("written")
    case .character("="):
      show("ready")
      report("shown")
    case .character("n"): showNext()
    case .character("f"):
      screen.present(Canvas.random(width: screen.size.width, height: screen.size.height, using: &random))
      report("flood")
      for _ in 0..<2_000 { screen.redraw() }
    case .character("m"): screen.setMouse(true)
    case .character("M"): screen.setMouse(false)
    case .character("2"): openSecond()
    case .character("3"):
      screen.close()
      guard let next = try? CursesScreen() else { return report("not opened again") }
      screen = next
      showFirst()
    case .character("r"):
      screen.redraw()
      report("redrawn")
    case .control("t"):
      let report = screen.wait(until: ContinuousClock.now + .milliseconds(20))
      self.report("waited \(report.map { "\($0)" } ?? "nil")")
    default: break
    }
  }

  private func showFirst() {
    report("open \(screen.size.width)x\(screen.size.height) \(screen.colorDepth) \(screen.glyphs)")
    show("ready")
  }

  private func report(_ line: String) { fputs(line + "\n", reports) }

  private func leave(_ status: CInt) -> Never {
    screen.close()
    report("closed")
    exit(status)
  }

  private func show(_ text: String) {
    var canvas = Canvas(width: screen.size.width, height: screen.size.height)
    canvas.box(canvas.bounds, glyphs: screen.glyphs, style: Style(foreground: .palette(39)), title: "probe")
    canvas.write(text, x: 2, y: 1, style: Style(foreground: .palette(196), attributes: .bold))
    screen.present(canvas)
  }

  /// Shows a random picture with wide characters, marks and emoji in many colours, and reports it.
  private mutating func showNext() {
    let canvas = Canvas.random(width: screen.size.width, height: screen.size.height, using: &random)
    screen.present(canvas)
    for line in canvas.lines { report("line \(line)") }
    report("picture")
  }

  private func openSecond() {
    do {
      _ = try CursesScreen()
      report("second opened")
    } catch {
      report("second \(error)")
    }
  }

  private func overflow(_ depth: Int) -> Int { depth == .max ? 0 : 1 + overflow(depth + 1) &* 3 }
}

private func complain(_ text: String) { _ = write(STDERR_FILENO, text, text.utf8.count) }

private func startThread(_ body: @escaping @Sendable () -> Void) {
  final class Body: Sendable {
    let run: @Sendable () -> Void
    init(_ run: @escaping @Sendable () -> Void) { self.run = run }
  }
  let argument = Unmanaged.passRetained(Body(body)).toOpaque()
  #if canImport(Darwin)
    var thread: pthread_t?
    pthread_create(
      &thread, nil,
      {
        Unmanaged<Body>.fromOpaque($0).takeRetainedValue().run()
        return nil
      }, argument)
  #else
    var thread = pthread_t()
    pthread_create(
      &thread, nil,
      {
        Unmanaged<Body>.fromOpaque($0!).takeRetainedValue().run()
        return nil
      }, argument)
  #endif
}
