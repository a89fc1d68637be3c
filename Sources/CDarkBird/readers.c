#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_readers.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#if defined(__linux__)
#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

_Thread_local db_reader *db_own_reader;
uint64_t db_epoch = 1;
bool db_readers_need_barrier = true;

static db_reader *all_readers;
static pthread_key_t at_thread_end;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void give_back(void *reader) {
  // What runs later at the end of the thread gets a new record.
  db_own_reader = NULL;
  __atomic_store_n(&((db_reader *)reader)->is_taken, false, __ATOMIC_RELEASE);
}

static void prepare(void) {
  if (pthread_key_create(&at_thread_end, give_back) != 0) abort();
#if defined(__linux__) && defined(SYS_membarrier)
  if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0) {
    __atomic_store_n(&db_readers_need_barrier, false, __ATOMIC_RELEASE);
  }
#endif
}

db_reader *db_make_reader(void) {
  // Before the first record there is no reader, so that nobody reads without a barrier that is needed.
  pthread_once(&once, prepare);
  db_reader *reader = __atomic_load_n(&all_readers, __ATOMIC_ACQUIRE);
  for (; reader != NULL; reader = reader->next) {
    bool expected = false;
    if (__atomic_compare_exchange_n(&reader->is_taken, &expected, true, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)) break;
  }
  if (reader == NULL) {
    // A record has its cache lines to itself. Records stay for as long as the program runs.
    void *memory;
    if (posix_memalign(&memory, 128, 128) != 0) abort();
    reader = memory;
    *reader = (db_reader){.is_taken = true};
    db_reader *first = __atomic_load_n(&all_readers, __ATOMIC_ACQUIRE);
    do {
      reader->number = first == NULL ? 0 : first->number + 1;
      reader->next = first;
    } while (!__atomic_compare_exchange_n(&all_readers, &first, reader, false, __ATOMIC_RELEASE, __ATOMIC_ACQUIRE));
  }
  pthread_setspecific(at_thread_end, reader);
  db_own_reader = reader;
  return reader;
}

uint64_t db_end_epoch(void) { return __atomic_fetch_add(&db_epoch, 1, __ATOMIC_ACQ_REL); }

void db_make_readers_pay(void) {
  pthread_once(&once, prepare);
  __atomic_store_n(&db_readers_need_barrier, true, __ATOMIC_RELEASE);
}

#if defined(__linux__) && defined(SYS_membarrier)
// When the system refused a barrier that it had given before; 0 if it never did.
static uint64_t barrier_failed;

static uint64_t monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}
#endif

uint64_t db_oldest_reader(void) {
  pthread_once(&once, prepare);
#if defined(__linux__) && defined(SYS_membarrier)
  if (!__atomic_load_n(&db_readers_need_barrier, __ATOMIC_ACQUIRE) &&
      syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0) {
    // Taken from the process meanwhile.
    __atomic_store_n(&barrier_failed, monotonic_nanoseconds(), __ATOMIC_RELEASE);
    db_make_readers_pay();
    return 0;
  }
  // Who looked at the flag before that may begin to read without a barrier still, if it comes to it much later. Meanwhile nothing
  // is free.
  uint64_t failed = __atomic_load_n(&barrier_failed, __ATOMIC_ACQUIRE);
  if (__builtin_expect(failed != 0, 0) && monotonic_nanoseconds() - failed < 1000000000) return 0;
#endif
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  uint64_t oldest = UINT64_MAX;
  for (db_reader *reader = __atomic_load_n(&all_readers, __ATOMIC_ACQUIRE); reader != NULL; reader = reader->next) {
    uint64_t epoch = __atomic_load_n(&reader->epoch, __ATOMIC_ACQUIRE);
    if (epoch != 0 && epoch < oldest) oldest = epoch;
  }
  return oldest;
}
