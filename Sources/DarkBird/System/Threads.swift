import CDarkBird

/// Starts a thread that nobody waits for. Foundation's `Thread` does not tell that the system has refused to: `body` would never
/// run, and whoever waits for it would wait for ever.
///
/// - Parameter name: as debuggers show it; Linux keeps the first 15 bytes.
/// - Throws: `EAGAIN` where this user, or this container, has all the threads that it may have, or there is no memory for one more.
func startThread(_ name: String, _ body: @escaping @Sendable () -> Void) throws(SystemError) {
  let context = Unmanaged.passRetained(ThreadBody(body))
  let code = db_start_thread(
    name,
    { context in
      guard let context else { return }
      Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().body()
    }, context.toOpaque())
  if code == 0 { return }
  context.release()
  throw SystemError(code: code, call: "startThread", path: name)
}

private final class ThreadBody: Sendable {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }
}
