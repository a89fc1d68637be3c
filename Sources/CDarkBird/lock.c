#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_lock.h"

#include <stdlib.h>
#include <time.h>

// These calls fail only on misuse (a destroyed or foreign lock): a bug, not a condition of the world.
static void check(int result) {
  if (result != 0) abort();
}

void db_lock_init(db_lock_t *lock) {
  pthread_mutexattr_t attributes;
  check(pthread_mutexattr_init(&attributes));
#ifdef __linux__
  check(pthread_mutexattr_settype(&attributes, PTHREAD_MUTEX_ADAPTIVE_NP));
#endif
  check(pthread_mutex_init(lock, &attributes));
  check(pthread_mutexattr_destroy(&attributes));
}

void db_lock_destroy(db_lock_t *lock) { check(pthread_mutex_destroy(lock)); }
void db_lock_lock(db_lock_t *lock) { check(pthread_mutex_lock(lock)); }
bool db_lock_try(db_lock_t *lock) { return pthread_mutex_trylock(lock) == 0; }
void db_lock_unlock(db_lock_t *lock) { check(pthread_mutex_unlock(lock)); }

void db_condition_init(db_condition_t *condition) {
#ifdef __APPLE__
  check(pthread_cond_init(condition, NULL));
#else
  pthread_condattr_t attributes;
  check(pthread_condattr_init(&attributes));
  check(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC));
  check(pthread_cond_init(condition, &attributes));
  check(pthread_condattr_destroy(&attributes));
#endif
}

void db_condition_destroy(db_condition_t *condition) { check(pthread_cond_destroy(condition)); }
void db_condition_wait(db_condition_t *condition, db_lock_t *lock) { check(pthread_cond_wait(condition, lock)); }

bool db_condition_wait_for(db_condition_t *condition, db_lock_t *lock, uint64_t nanoseconds) {
#ifdef __APPLE__
  struct timespec relative = {(time_t)(nanoseconds / 1000000000u), (long)(nanoseconds % 1000000000u)};
  return pthread_cond_timedwait_relative_np(condition, lock, &relative) == 0;
#else
  struct timespec deadline;
  clock_gettime(CLOCK_MONOTONIC, &deadline);
  uint64_t total = (uint64_t)deadline.tv_nsec + nanoseconds % 1000000000u;
  deadline.tv_sec += (time_t)(nanoseconds / 1000000000u + total / 1000000000u);
  deadline.tv_nsec = (long)(total % 1000000000u);
  return pthread_cond_timedwait(condition, lock, &deadline) == 0;
#endif
}

void db_condition_signal(db_condition_t *condition) { check(pthread_cond_signal(condition)); }
void db_condition_broadcast(db_condition_t *condition) { check(pthread_cond_broadcast(condition)); }

uint64_t db_monotonic_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}
