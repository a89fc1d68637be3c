#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_hash.h"

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
