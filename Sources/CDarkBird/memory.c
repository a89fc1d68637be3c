#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "db_memory.h"

#include <stdlib.h>
#include <sys/mman.h>

// Large tables grow often. malloc keeps what they leave behind; the system takes it back.
static const size_t pages_from = 64 << 10;

// A table that grows is filled at once, and a place is looked at before it is written. Without this the look would map the
// page of zeros that all share, and the write would take it away again, which stops the processors of all threads.
#ifdef MAP_POPULATE
static const int populate = MAP_POPULATE;
#else
static const int populate = 0;
#endif

void *db_allocate_zeroed(size_t bytes) {
  void *memory;
  if (bytes < pages_from) {
    memory = calloc(1, bytes);
  } else {
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON | populate, -1, 0);
    if (memory == MAP_FAILED) memory = NULL;
  }
  if (memory == NULL) abort();
  return memory;
}

void db_free_zeroed(void *memory, size_t bytes) {
  if (bytes < pages_from) {
    free(memory);
  } else {
    munmap(memory, bytes);
  }
}
