// Tells ThreadSanitizer what Swift's reference counts order: everything a thread did with an object happens before its
// release of the object, and so before what another thread does that finds itself the only owner, or frees it. The counting is
// in the runtime, which is not instrumented; without this, changing a node in place that a snapshot's reader has let go of
// looks like a race. Only compiled into builds for ThreadSanitizer, which `Tests/thread-sanitizer` makes.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_thread_sanitizer.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)

#include <dlfcn.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

void __tsan_acquire(void *address);
void __tsan_release(void *address);

// An object, and what follows its header if it is an array of objects.
struct object {
  const void *class;
  uint64_t references;
  int64_t count;
  uint64_t capacity;
  struct object *elements[];
};

// The classes of what is shared and changed in place, and whether they are those of arrays of such objects. Of other objects
// the sanitizer need not know, and must not: those that all threads hold would order everything. (All arrays of references have
// one class, whatever they refer to.)
struct class {
  const void *_Atomic class;
  _Atomic bool has_objects;
};
static struct class classes[64];

static struct class *find(const void *class, bool adds) {
  for (int i = 0; i < 64; i++) {
    const void *known = atomic_load_explicit(&classes[i].class, memory_order_relaxed);
    if (!known && !adds) return NULL;
    if (!known) atomic_compare_exchange_strong(&classes[i].class, &known, class);
    if (!known || known == class) return &classes[i];
  }
  if (adds) {
    fputs("there are more classes of shared objects than thread_sanitizer.c has room for\n", stderr);
    abort();
  }
  return NULL;
}

// Before an object is released.
__attribute__((no_sanitize("thread"))) static void order(struct object *object) {
  // Null, and what is no object.
  if ((intptr_t)object <= 0) return;
  struct class *class = find(object->class, false);
  if (!class) return;
  // Whose release is the last one knows what all others did, and frees the object. Which one that is shows too late; so every
  // one does, which is more order than there is: of accesses before a release to those after a later one.
  __tsan_acquire(object);
  __tsan_release(object);
  // What a freed array lets go of are calls of the runtime's own. Each release of it comes before them.
  if (!atomic_load_explicit(&class->has_objects, memory_order_relaxed)) return;
  for (int64_t i = 0; i < object->count; i++) __tsan_release(object->elements[i]);
}

// Stand before the functions of these names in the runtime, for all calls but the runtime's own.
void swift_release(void *object) {
  static void (*_Atomic release)(void *object);
  void (*original)(void *object) = atomic_load_explicit(&release, memory_order_relaxed);
  if (!original) {
    original = (void (*)(void *))dlsym(RTLD_NEXT, "swift_release");
    atomic_store_explicit(&release, original, memory_order_relaxed);
  }
  order(object);
  original(object);
}

void swift_release_n(void *object, uint32_t count) {
  static void (*_Atomic release)(void *object, uint32_t count);
  void (*original)(void *object, uint32_t count) = atomic_load_explicit(&release, memory_order_relaxed);
  if (!original) {
    original = (void (*)(void *, uint32_t))dlsym(RTLD_NEXT, "swift_release_n");
    atomic_store_explicit(&release, original, memory_order_relaxed);
  }
  order(object);
  original(object, count);
}

__attribute__((no_sanitize("thread"))) void db_acquire_object(const void *object, bool has_objects) {
  struct class *class = find(((const struct object *)object)->class, true);
  if (has_objects) atomic_store_explicit(&class->has_objects, true, memory_order_relaxed);
  __tsan_acquire((void *)object);
}

static const char *planted_mutant;

__attribute__((constructor)) static void read_planted_mutant(void) { planted_mutant = getenv("DARKBIRD_MUTANT"); }

const char *db_planted_mutant(void) { return planted_mutant; }

#endif
#endif
