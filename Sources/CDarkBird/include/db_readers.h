// Threads that read memory which others may take out of use: epoch-based reclamation (Keir Fraser, Practical lock-freedom,
// 2004, section 5.2.3). A reader notes the epoch in which it began in a record of its own thread. Whoever takes an object out
// of use frees it once no reader is left that began before.
//
// A reader pays no barrier between its note and what it reads after: the one who frees has the system put one into every
// running thread (membarrier). Where the system cannot, readers pay it themselves.
#ifndef CDARKBIRD_DB_READERS_H
#define CDARKBIRD_DB_READERS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct db_reader {
  // The epoch in which the thread began to read; 0 while it does not.
  uint64_t epoch;
  // Reads within reads.
  uint32_t depth;
  // Of all records, from 0; threads that have ended leave theirs to new ones.
  uint32_t number;
  bool is_taken;
  struct db_reader *_Nullable next;
} db_reader;

extern _Thread_local db_reader *_Nullable db_own_reader;
extern uint64_t db_epoch;
extern bool db_readers_need_barrier;

// Makes the record of the calling thread.
db_reader *_Nonnull db_make_reader(void);

static inline db_reader *_Nonnull db_begin_reading(void) {
  db_reader *reader = db_own_reader;
  if (__builtin_expect(reader == 0, 0)) reader = db_make_reader();
  if (reader->depth++ == 0) {
    uint64_t epoch = __atomic_load_n(&db_epoch, __ATOMIC_ACQUIRE);
    if (__builtin_expect(__atomic_load_n(&db_readers_need_barrier, __ATOMIC_RELAXED), 0)) {
      __atomic_exchange_n(&reader->epoch, epoch, __ATOMIC_SEQ_CST);
      __atomic_thread_fence(__ATOMIC_SEQ_CST);
    } else {
      __atomic_store_n(&reader->epoch, epoch, __ATOMIC_RELAXED);
      __atomic_signal_fence(__ATOMIC_SEQ_CST);
    }
  }
  return reader;
}

static inline void db_end_reading(db_reader *_Nonnull reader) {
  if (--reader->depth == 0) __atomic_store_n(&reader->epoch, 0, __ATOMIC_RELEASE);
}

// From now on readers pay the barrier, as where the system has none to give.
void db_make_readers_pay(void);

// The epoch of what was taken out of use before this call; readers that begin afterwards are in a later one.
uint64_t db_end_epoch(void);

// The epoch of the oldest reader that began before this call; UINT64_MAX if there is none.
uint64_t db_oldest_reader(void);

#endif
