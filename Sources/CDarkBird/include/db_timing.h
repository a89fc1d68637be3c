// Which operations are timed: a few of them, by chance, so that no pattern in the work of a thread decides.
#ifndef CDARKBIRD_DB_TIMING_H
#define CDARKBIRD_DB_TIMING_H

#include <stdbool.h>
#include <stdint.h>

extern _Thread_local uint64_t db_dice;

// True for about one in `interval` calls of each thread, which is a power of two (xorshift64*, Vigna 2016).
static inline bool db_is_one_in(uint64_t interval) {
  uint64_t dice = db_dice;
  // The first time of a thread: its own address, which is not 0.
  if (__builtin_expect(dice == 0, 0)) dice = (uint64_t)(uintptr_t)&db_dice;
  dice ^= dice >> 12;
  dice ^= dice << 25;
  dice ^= dice >> 27;
  db_dice = dice;
  return ((dice * 0x2545F4914F6CDD1Du >> 32) & (interval - 1)) == 0;
}

#endif
