#ifndef CDARKBIRD_DB_THREAD_H
#define CDARKBIRD_DB_THREAD_H

#include <pthread.h>
#include <stdint.h>

// Starts a detached thread that calls run(context), with a name for debuggers, of which Linux keeps 15 bytes: pthread_create(3)
// and calls that Swift's Glibc does not show. 0, or the error, EAGAIN where there may be no more threads; then `run` is not called.
int db_start_thread(const char *name, void (*run)(void *context), void *context);

// A number that the calling thread has, and no other one at the same time; never 0.
static inline uintptr_t db_current_thread(void) { return (uintptr_t)pthread_self(); }

#endif
