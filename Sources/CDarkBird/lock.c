#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_lock.h"

#include <time.h>

#if defined(__linux__)
#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

// Every error of these calls (interrupted, timed out, changed already) is a return for no reason; callers look again.
void db_wait_on_word(const void *word, uint32_t expected, uint64_t nanoseconds) {
  struct timespec timeout = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
  syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, nanoseconds == 0 ? NULL : &timeout, NULL, 0);
}

void db_wake_one(const void *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0); }
void db_wake_all(const void *word) { syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0); }

#elif defined(__APPLE__)
#include <os/clock.h>
#include <os/os_sync_wait_on_address.h>

void db_wait_on_word(const void *word, uint32_t expected, uint64_t nanoseconds) {
  if (nanoseconds == 0) {
    os_sync_wait_on_address((void *)word, expected, sizeof(uint32_t), OS_SYNC_WAIT_ON_ADDRESS_NONE);
  } else {
    os_sync_wait_on_address_with_timeout((void *)word, expected, sizeof(uint32_t), OS_SYNC_WAIT_ON_ADDRESS_NONE,
                                         OS_CLOCK_MACH_ABSOLUTE_TIME, nanoseconds);
  }
}

void db_wake_one(const void *word) {
  os_sync_wake_by_address_any((void *)word, sizeof(uint32_t), OS_SYNC_WAKE_BY_ADDRESS_NONE);
}
void db_wake_all(const void *word) {
  os_sync_wake_by_address_all((void *)word, sizeof(uint32_t), OS_SYNC_WAKE_BY_ADDRESS_NONE);
}

#else
#error "No way to wait for a word in memory is known for this system."
#endif

uint64_t db_monotonic_nanoseconds(void) {
#if defined(__APPLE__)
  // CLOCK_MONOTONIC of macOS has been seen to go back.
  return clock_gettime_nsec_np(CLOCK_UPTIME_RAW);
#else
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
#endif
}
