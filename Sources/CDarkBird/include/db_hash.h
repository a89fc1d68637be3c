// Hash values of what documents are found by: multiplications whose two halves are folded, keyed with numbers that are random
// in each process (as in Wang Yi's wyhash and Orson Peters' foldhash). Several times as fast as Swift's SipHash. Who does not
// know the numbers cannot choose keys that collide, unless the store tells how long its operations take to the nanosecond.
#ifndef CDARKBIRD_DB_HASH_H
#define CDARKBIRD_DB_HASH_H

#include <stdbool.h>
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

static inline uint64_t db_load_64(const uint8_t *_Nonnull bytes) {
  uint64_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

static inline uint64_t db_load_32(const uint8_t *_Nonnull bytes) {
  uint32_t word;
  __builtin_memcpy(&word, bytes, sizeof word);
  return word;
}

// Of `count` bytes that are all ASCII, and never 0 then; 0 if one is not. `bytes` may be null if `count` is 0.
// Part of every lookup of a text, and so short there that no call is worth it.
static inline __attribute__((always_inline, pure)) uint64_t db_hash_ascii(
    const uint8_t *_Nullable bytes, size_t count) {
  uint64_t hash = db_hash_secrets[0];
  uint64_t first = 0, second = 0, all = 0;
  size_t rest = count;
  for (; rest > 16; rest -= 16, bytes += 16) {
    first = db_load_64(bytes);
    second = db_load_64(bytes + 8);
    all |= first | second;
    hash = db_hash_fold(first ^ db_hash_secrets[1], second ^ hash);
  }
  // The last 1 to 16 bytes, some of them twice.
  if (rest >= 8) {
    first = db_load_64(bytes);
    second = db_load_64(bytes + rest - 8);
  } else if (rest >= 4) {
    first = db_load_32(bytes);
    second = db_load_32(bytes + rest - 4);
  } else if (rest > 0) {
    first = (uint64_t)bytes[0] << 16 | (uint64_t)bytes[rest >> 1] << 8 | bytes[rest - 1];
    second = 0;
  } else {
    first = second = 0;
  }
  all |= first | second;
  if (all & 0x8080808080808080) return 0;
  hash = db_hash_fold(first ^ db_hash_secrets[1], second ^ hash);
  hash = db_hash_fold(hash ^ db_hash_secrets[2] ^ count, db_hash_secrets[3]);
  return hash == 0 ? 1 : hash;
}

// Whether as many bytes are the same: for short texts, of which a call of memcmp would take longer.
static inline __attribute__((always_inline, pure)) bool db_are_equal(
    const uint8_t *_Nullable left, const uint8_t *_Nullable right, size_t count) {
  if (count < 8) {
    for (size_t index = 0; index < count; index++) {
      if (left[index] != right[index]) return false;
    }
    return true;
  }
  // The last eight bytes may be some of those before once more.
  uint64_t differences = db_load_64(left + count - 8) ^ db_load_64(right + count - 8);
  for (size_t index = 0; index + 8 < count; index += 8) {
    differences |= db_load_64(left + index) ^ db_load_64(right + index);
  }
  return differences == 0;
}

#endif
