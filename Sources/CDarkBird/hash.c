#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_hash.h"

#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

uint64_t db_hash_secrets[4];

__attribute__((constructor)) static void choose_secrets(void) {
  if (getentropy(db_hash_secrets, sizeof db_hash_secrets) != 0) {
    // Systems from before 2014: what an attacker from outside cannot see.
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    db_hash_secrets[0] = (uint64_t)now.tv_nsec << 32 ^ (uint64_t)now.tv_sec;
    db_hash_secrets[1] = (uint64_t)(uintptr_t)&now;
    db_hash_secrets[2] = (uint64_t)(uintptr_t)&getentropy;
    db_hash_secrets[3] = (uint64_t)getpid() * 0x9E3779B97F4A7C15;
  }
  // Factors, which must not be 0.
  db_hash_secrets[1] |= 1;
  db_hash_secrets[3] |= 1;
}

static uint64_t load64(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

static uint64_t load32(const uint8_t *bytes) {
  uint32_t word;
  memcpy(&word, bytes, sizeof word);
  return word;
}

uint64_t db_hash_ascii(const uint8_t *bytes, size_t count) {
  uint64_t hash = db_hash_secrets[0];
  uint64_t first = 0, second = 0, all = 0;
  size_t rest = count;
  for (; rest > 16; rest -= 16, bytes += 16) {
    first = load64(bytes);
    second = load64(bytes + 8);
    all |= first | second;
    hash = db_hash_fold(first ^ db_hash_secrets[1], second ^ hash);
  }
  // The last 1 to 16 bytes, some of them twice.
  if (rest >= 8) {
    first = load64(bytes);
    second = load64(bytes + rest - 8);
  } else if (rest >= 4) {
    first = load32(bytes);
    second = load32(bytes + rest - 4);
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
