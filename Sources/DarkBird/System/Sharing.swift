#if DARKBIRD_THREAD_SANITIZER
  import CDarkBird
#endif

/// Whether nobody else refers to an object, so that it may be changed in place: `isKnownUniquelyReferenced`, in a form that
/// ThreadSanitizer understands.
///
/// A reader that let go of the object before did so by a release of its reference, which orders its reads before this answer.
/// `Tests/thread-sanitizer` defines DARKBIRD_THREAD_SANITIZER.
@inline(__always)
func isUnshared<Object: AnyObject>(_ object: inout Object) -> Bool {
  guard isKnownUniquelyReferenced(&object) else { return false }
  #if DARKBIRD_THREAD_SANITIZER
    db_acquire_object(Unmanaged.passUnretained(object).toOpaque())
  #endif
  return true
}
