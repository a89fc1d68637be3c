#if defined(__linux__)
#define _GNU_SOURCE
#endif

#include "db_memory.h"

#include <stdlib.h>
#include <sys/mman.h>

// Large tables grow often. malloc keeps what they leave behind; the system takes it back.
static const size_t pages_from = 64 << 10;

void *db_allocate_zeroed(size_t bytes) {
  void *memory;
  if (bytes < pages_from) {
    memory = calloc(1, bytes);
  } else {
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0);
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
