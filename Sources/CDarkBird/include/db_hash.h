// Hash values of what documents are found by: multiplications whose two halves are folded, keyed with numbers that are random
// in each process (as in Wang Yi's wyhash and Orson Peters' foldhash). Several times as fast as Swift's SipHash. Who does not
// know the numbers cannot choose keys that collide, unless the store tells how long its operations take to the nanosecond.
#ifndef CDARKBIRD_DB_HASH_H
#define CDARKBIRD_DB_HASH_H

#include <stddef.h>
#include <stdint.h>

// Set before main, and not changed later.
extern uint64_t db_hash_secrets[4];

static inline uint64_t db_hash_fold(uint64_t left, uint64_t right) {
  unsigned __int128 product = (unsigned __int128)left * right;
  return (uint64_t)product ^ (uint64_t)(product >> 64);
}

// Of 64 bits. Two rounds, for both the lowest and the highest bits are used.
static inline uint64_t db_hash_word(uint64_t word) {
  uint64_t round = db_hash_fold(word ^ db_hash_secrets[0], db_hash_secrets[1]);
  return db_hash_fold(round ^ db_hash_secrets[2], db_hash_secrets[3]);
}

// Of `count` bytes that are all ASCII, and never 0 then; 0 if one is not. `bytes` may be null if `count` is 0.
uint64_t db_hash_ascii(const uint8_t *_Nullable bytes, size_t count);

#endif
