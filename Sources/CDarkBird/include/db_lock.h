// Waiting for a word in memory to change, and the monotonic clock. The locks themselves are in Lock.swift.
#ifndef CDARKBIRD_DB_LOCK_H
#define CDARKBIRD_DB_LOCK_H

#include <stdint.h>

// Sleeps while `*word` is `expected`, until it is woken; may return for no reason. At most `nanoseconds`, if not 0.
void db_wait_on_word(const void *word, uint32_t expected, uint64_t nanoseconds);
void db_wake_one(const void *word);
void db_wake_all(const void *word);

// Tells the processor that the thread looks at a word again and again.
static inline void db_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("isb");
#endif
}

// Has the processor fetch a cache line while the thread does other things. Any address will do.
static inline void db_prefetch_line(const void *address) { __builtin_prefetch(address); }

// The same for a line that the thread is going to write to: takes it from the processor that has it, in one step instead of two.
static inline void db_prefetch_to_write(const void *address) {
#if defined(__x86_64__)
  // Compilers only use it for processors that certainly have it; the others take it for no operation.
  __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address));
#else
  __builtin_prefetch(address, 1);
#endif
}

// The same for the lines of an object, but not for too many of them.
static inline void db_prefetch(const void *object, intptr_t bytes) {
  __builtin_prefetch(object);
  if (bytes > 16) __builtin_prefetch((const char *)object + 64);
  if (bytes > 80) __builtin_prefetch((const char *)object + 128);
}

// Nanoseconds of the monotonic clock.
uint64_t db_monotonic_nanoseconds(void);

#endif
