#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_heap.h"

#include <stdint.h>
#include <stdlib.h>

#if defined(__GLIBC__)
#include <pthread.h>
#include <sys/mman.h>

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif

// Pieces that are too small for malloc to map them on their own.
enum { piece = 120 << 10, pieces = 6 };
static const uintptr_t page = 4096;
static const uintptr_t large_page = 2 << 20;

// What is left of what this thread prepared last.
static __thread size_t ready;

// Of each thread, a block behind what it prepared last: what is free at the very end of a heap would be given back at once.
static pthread_key_t guard;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static void make_key(void) {
  if (pthread_key_create(&guard, free) != 0) abort();
}

void db_prepare_heap(size_t bytes) {
  if (ready >= bytes) {
    ready -= bytes;
    return;
  }
  char *taken[pieces];
  uintptr_t first = UINTPTR_MAX, last = 0;
  for (int index = 0; index < pieces; index += 1) {
    taken[index] = malloc(piece);
    uintptr_t start = (uintptr_t)taken[index];
    if (start < first) first = start;
    if (start + piece > last) last = start + piece;
  }
  // Kept until the next time, or the end of the thread.
  pthread_once(&once, make_key);
  void *before = pthread_getspecific(guard);
  void *next = malloc(1);
  if (pthread_setspecific(guard, next) != 0) free(next);
  else free(before);
  // Unless they come from all over the heap, which is then ready as it is. A wish: older systems refuse.
  if (last - first < 2 * pieces * piece) {
    uintptr_t start = first & ~(page - 1);
    madvise((void *)start, (last - start) & ~(page - 1), MADV_POPULATE_WRITE);
    // The system makes large pages of them later, at its leisure. To have them at once cost a sixth of inserts and openings, for
    // what only readers gain by.
    start = first & ~(large_page - 1);
    madvise((void *)start, (last - start + large_page - 1) & ~(large_page - 1), MADV_HUGEPAGE);
  }
  for (int index = 0; index < pieces; index += 1) free(taken[index]);
  ready = pieces * piece - (bytes < pieces * piece ? bytes : pieces * piece);
}

#else

void db_prepare_heap(size_t bytes) { (void)bytes; }

#endif
