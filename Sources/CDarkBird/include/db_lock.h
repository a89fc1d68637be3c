// A mutex, a condition variable on the monotonic clock, and that clock.
//
// Synchronization.Mutex of Swift 6.3 on Linux is a priority-inheriting futex that collapses under contention, so on
// Linux this is glibc's adaptive mutex (it spins a bounded while, then sleeps); elsewhere the default one.
// ThreadSanitizer knows both.
#ifndef CDARKBIRD_DB_LOCK_H
#define CDARKBIRD_DB_LOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

typedef pthread_mutex_t db_lock_t;
typedef pthread_cond_t db_condition_t;

void db_lock_init(db_lock_t *lock);
void db_lock_destroy(db_lock_t *lock);
void db_lock_lock(db_lock_t *lock);
bool db_lock_try(db_lock_t *lock);
void db_lock_unlock(db_lock_t *lock);

void db_condition_init(db_condition_t *condition);
void db_condition_destroy(db_condition_t *condition);
void db_condition_wait(db_condition_t *condition, db_lock_t *lock);
// Waits at most `nanoseconds`; false if that time passed.
bool db_condition_wait_for(db_condition_t *condition, db_lock_t *lock, uint64_t nanoseconds);
void db_condition_signal(db_condition_t *condition);
void db_condition_broadcast(db_condition_t *condition);

// Nanoseconds of the monotonic clock.
uint64_t db_monotonic_nanoseconds(void);

#endif
