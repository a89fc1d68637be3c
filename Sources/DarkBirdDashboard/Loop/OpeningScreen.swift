package import DarkBird
import Dispatch
import Foundation
import Synchronization
import Terminal

/// Shows on the terminal how far the opening of a store has come, and goes on with the dashboard on it.
///
/// A store that is open in a moment, or cannot be opened, gets no picture: the terminal stays as it is, also for the message.
package final class OpeningScreen {
  /// How long the terminal stays as it is: short enough that nobody has waited.
  private static let patience = DispatchTimeInterval.milliseconds(20)
  private static let frameInterval = Duration.milliseconds(100)

  private let options: DashboardOptions
  /// For the dashboard; nil until there is a picture.
  private(set) var screen: CursesScreen?

  package init(_ options: DashboardOptions) { self.options = options }

  /// Opens what is in a directory, on a thread of its own.
  /// - Parameters:
  ///   - isStopped: whether the program was asked to end before there was a picture; asked for now and then.
  ///   - open: reads all files through the file system that it gets.
  /// - Returns: nil if somebody quit, or the program was asked to end, before it was open.
  /// - Throws: what `open` throws, or `TerminalError`; the terminal is given back then.
  package func load<Opened: Sendable>(
    _ directory: String, isStopped: () -> Bool = { false },
    _ open: @escaping @Sendable (any FileSystem) throws -> Opened
  ) throws -> Opened? {
    let files = WatchedFileSystem()
    let opening = Opening<Opened>()
    opening.start { try open(files) }
    // Where there is no terminal, what is wrong with the store is still the better message.
    let canDraw = (try? CursesScreen.requireUsableTerminal()) != nil
    repeat {
      let patience = canDraw ? Self.patience : .milliseconds(100)
      if opening.ended.wait(timeout: .now() + patience) == .success { return try opening.result.get() }
    } while !canDraw && !isStopped()
    if isStopped() {
      giveUp(files, opening)
      return nil
    }
    do {
      let screen = try CursesScreen(CursesScreen.Options(colors: options.colors))
      self.screen = screen
      let waker = screen.waker
      opening.whenEnded { waker.wake() }
      // What came before the screen took signals.
      if !isStopped(), show(files, of: directory, on: screen, until: { opening.isEnded }) {
        return try opening.result.get()
      }
      close()
    } catch {
      close()
      files.cancel()
      throw error
    }
    giveUp(files, opening)
    return nil
  }

  /// What is being read ends at the next piece. Indexes that are being built end when they are done: who quits need not wait for
  /// that, and nothing on disk does.
  private func giveUp<Opened: Sendable>(_ files: WatchedFileSystem, _ opening: Opening<Opened>) {
    files.cancel()
    _ = opening.ended.wait(timeout: .now() + .seconds(1))
  }

  /// Gives the terminal back.
  package func close() {
    screen?.close()
    screen = nil
  }

  /// - Returns: whether it has ended by itself.
  private func show(
    _ files: WatchedFileSystem, of directory: String, on screen: CursesScreen, until isEnded: () -> Bool
  ) -> Bool {
    let glyphs = options.glyphs ?? options.configuration.glyphs ?? screen.glyphs
    let start = ContinuousClock.now
    let total = files.storeBytes(in: directory)
    while !isEnded() {
      let picture = OpeningPicture(
        title: options.title, location: options.location ?? directory, bytes: files.bytes, total: total,
        elapsed: start.duration(to: .now), quit: quitKey)
      screen.present(
        picture.canvas(
          width: screen.size.width, height: screen.size.height, glyphs: glyphs,
          theme: Theme(depth: screen.colorDepth, name: options.configuration.theme)))
      switch screen.wait(until: .now + Self.frameInterval) {
      case .key(let key): if options.configuration.keyMap.command(for: key, in: .overview) == .quit { return false }
      case .interrupt, .hangup: return false
      case nil, .mouse, .paste, .resize, .resume, .wake: break
      }
    }
    return true
  }

  private var quitKey: String {
    options.configuration.keyMap.binding(named: "quit")?.keys.first?.name ?? "Ctrl-C"
  }
}

/// Something that is being opened on a thread of its own.
private final class Opening<Opened: Sendable>: Sendable {
  private struct State {
    var result: Result<Opened, any Error>?
    var notify: (@Sendable () -> Void)?
  }

  private let state = Mutex(State())
  let ended = DispatchSemaphore(value: 0)

  func start(_ open: @escaping @Sendable () throws -> Opened) {
    let thread = Thread { [self] in
      let result = Result { try open() }
      let notify = state.withLock { state in
        state.result = result
        return state.notify
      }
      ended.signal()
      notify?()
    }
    thread.name = "darkbird-open"
    thread.start()
  }

  func whenEnded(_ notify: @escaping @Sendable () -> Void) {
    let isEnded = state.withLock { state in
      state.notify = notify
      return state.result != nil
    }
    if isEnded { notify() }
  }

  var isEnded: Bool { state.withLock { $0.result != nil } }

  /// To be asked for when it has ended.
  var result: Result<Opened, any Error> { state.withLock { $0.result ?? .failure(CancellationError()) } }
}

/// What one sees while a store is being opened.
struct OpeningPicture {
  var title: String
  var location: String
  var bytes: Int
  /// 0 while nobody knows.
  var total: Int
  var elapsed: Duration
  var quit: String

  func canvas(width: Int, height: Int, glyphs: GlyphTier, theme: Theme) -> Canvas {
    var painter = Painter(canvas: Canvas(width: width, height: height), theme: theme, glyphs: glyphs)
    let bounds = painter.canvas.bounds
    let header = [
      Segment(2, Span("DARKBIRD", .accent)), Segment(1, Span(title, .strong)), Segment(3, Span(location, .label)),
    ]
    painter.write(header.fitted(width: width - 2), in: bounds, x: 1, y: 0)
    painter.write([Span(quit, .key), Span(" quit", .label)], in: bounds, x: 1, y: height - 1)

    let columns = min(60, width - 2)
    let rows = max(0, min(4, height - 2))
    let area = Rect(x: (width - columns) / 2, y: max(1, height / 2 - 2), width: columns, height: rows)
    let isRead = total > 0 && bytes >= total
    painter.write(
      isRead ? "step 2 of 2: building the indexes" : "step 1 of 2: reading the store", in: area, y: 0, .strong)
    // Half of the bar is for the indexes, which take about as long and do not say how far they are.
    let share = total > 0 ? min(1, Double(bytes) / Double(total)) / 2 : 0
    painter.bar(share, in: area, x: 0, y: 1, width: columns)
    let read = total > 0 ? "\(Format.bytes(min(bytes, total))) of \(Format.bytes(total))" : Format.bytes(bytes)
    let seconds = Double(elapsed.components.seconds) + Double(elapsed.components.attoseconds) / 1e18
    let end = painter.write(isRead ? "\(read) read" : read, in: area, y: 2)
    painter.writeRight([Span(Format.decimal(seconds, places: 1) + " s", .label)], in: area, y: 2, after: end + 1)
    return painter.canvas
  }
}
