// Tells ThreadSanitizer what Swift's reference counts order: everything a thread did with an object happens before its
// release of the object, and so before what another thread does that finds itself the only owner. The counting is in the
// runtime, which is not instrumented; without this, changing a node in place that a snapshot's reader has let go of looks
// like a race. Only compiled into builds for ThreadSanitizer, which `Tests/thread-sanitizer` makes.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_thread_sanitizer.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#include <dlfcn.h>
#include <stdint.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

// Stands before the function of this name in the runtime, for all calls but the runtime's own.
void swift_release(void *object) {
  static void (*release)(void *object);
  void (*original)(void *object) = __atomic_load_n(&release, __ATOMIC_RELAXED);
  if (!original) {
    original = (void (*)(void *))dlsym(RTLD_NEXT, "swift_release");
    __atomic_store_n(&release, original, __ATOMIC_RELAXED);
  }
  // Not for null and for what is no object.
  if ((intptr_t)object > 0) __tsan_release(object);
  original(object);
}

void db_acquire_object(const void *object) { __tsan_acquire((void *)object); }

#endif
#endif
