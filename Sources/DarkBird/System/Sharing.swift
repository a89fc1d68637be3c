#if DARKBIRD_THREAD_SANITIZER
  public import CDarkBird
#endif

/// Whether nobody else refers to an object, so that it may be changed in place: `isKnownUniquelyReferenced`, in a form that
/// ThreadSanitizer understands.
///
/// A reader that let go of the object before did so by a release of its reference, which orders its reads before this answer.
/// `Tests/thread-sanitizer` defines DARKBIRD_THREAD_SANITIZER.
@inlinable @inline(__always)
func isUnshared<Object: AnyObject>(_ object: inout Object) -> Bool {
  guard isKnownUniquelyReferenced(&object) else { return false }
  #if DARKBIRD_THREAD_SANITIZER
    db_acquire_object(Unmanaged.passUnretained(object).toOpaque(), false)
  #endif
  return true
}

/// To be called by the initializers of classes whose objects `isUnshared` is asked about: the sanitizer must know a class before
/// the first reader lets go of an object of it. Costs nothing in other builds.
@inlinable @inline(__always)
func willBeShared<Object: AnyObject>(_ object: Object) {
  #if DARKBIRD_THREAD_SANITIZER
    db_acquire_object(Unmanaged.passUnretained(object).toOpaque(), false)
  #endif
}

extension ContiguousArray {
  /// The same for an array that is not empty, before it is shared for the first time.
  @inlinable @inline(__always)
  func willBeShared() {
    #if DARKBIRD_THREAD_SANITIZER
      if capacity == 0 { return }
      withUnsafeBufferPointer { Self.acquire($0.baseAddress) }
    #endif
  }

  /// To be called before an array that readers may have shared is changed, as `isUnshared` is for an object. Costs nothing in
  /// other builds.
  @inlinable @inline(__always)
  mutating func willChange() {
    #if DARKBIRD_THREAD_SANITIZER
      // All arrays without memory share an object, by which the sanitizer would take everything for ordered.
      if capacity == 0 { return }
      withUnsafeMutableBufferPointer { Self.acquire($0.baseAddress) }
    #endif
  }

  #if DARKBIRD_THREAD_SANITIZER
    @usableFromInline
    static func acquire(_ elements: UnsafePointer<Element>?) {
      // The elements of an array follow a header of 32 bytes, which is the object.
      guard let elements else { return }
      db_acquire_object(UnsafeRawPointer(elements) - 32, Element.self is AnyObject.Type)
    }
  #endif
}
