#include "crc32c.h"

#include <stdbool.h>
#include <string.h>

#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

// The polynomial 0x1EDC6F41 with its bits reversed.
static const uint32_t polynomial = 0x82F63B78;

// table[0] advances a CRC by one byte; table[n] by one byte that n zero bytes follow. Written once, before main.
static uint32_t table[8][256];

static uint64_t load64(const uint8_t *bytes) {
  uint64_t word;
  memcpy(&word, bytes, sizeof word);
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

uint32_t db_crc32c_portable(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  crc = ~crc;
  for (; count >= 8; count -= 8, next += 8) {
    uint64_t word = load64(next) ^ crc;
    crc = table[7][word & 0xFF] ^ table[6][word >> 8 & 0xFF] ^ table[5][word >> 16 & 0xFF] ^
          table[4][word >> 24 & 0xFF] ^ table[3][word >> 32 & 0xFF] ^ table[2][word >> 40 & 0xFF] ^
          table[1][word >> 48 & 0xFF] ^ table[0][word >> 56];
  }
  for (; count > 0; count -= 1, next += 1) crc = crc >> 8 ^ table[0][(crc ^ *next) & 0xFF];
  return ~crc;
}

#if defined(__x86_64__)

// Called only where the processor has SSE 4.2.
__attribute__((target("sse4.2"))) static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  uint64_t wide = ~crc;
  for (; count >= 8; count -= 8, next += 8) wide = __builtin_ia32_crc32di(wide, load64(next));
  uint32_t narrow = (uint32_t)wide;
  for (; count > 0; count -= 1, next += 1) narrow = __builtin_ia32_crc32qi(narrow, *next);
  return ~narrow;
}

static bool has_instruction(void) {
  __builtin_cpu_init();
  return __builtin_cpu_supports("sse4.2");
}

#elif defined(__aarch64__)

#if !defined(__ARM_FEATURE_CRC32)
__attribute__((target("crc")))
#endif
// Called only where the processor has the CRC32 extension.
static uint32_t crc32c_instruction(uint32_t crc, const void *bytes, size_t count) {
  const uint8_t *next = bytes;
  crc = ~crc;
  for (; count >= 8; count -= 8, next += 8) crc = __builtin_arm_crc32cd(crc, load64(next));
  for (; count > 0; count -= 1, next += 1) crc = __builtin_arm_crc32cb(crc, *next);
  return ~crc;
}

static bool has_instruction(void) {
#if defined(__ARM_FEATURE_CRC32)
  return true;
#elif defined(__linux__)
  return (getauxval(AT_HWCAP) & HWCAP_CRC32) != 0;
#else
  return false;
#endif
}

#else

#define crc32c_instruction db_crc32c_portable
static bool has_instruction(void) { return false; }

#endif

static bool use_instruction;

// Before main, so that no thread can see the table or the choice half made.
__attribute__((constructor)) static void prepare(void) {
  for (uint32_t byte = 0; byte < 256; byte += 1) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; bit += 1) crc = crc >> 1 ^ (crc & 1 ? polynomial : 0);
    table[0][byte] = crc;
  }
  for (int zeros = 1; zeros < 8; zeros += 1) {
    for (int byte = 0; byte < 256; byte += 1) {
      uint32_t crc = table[zeros - 1][byte];
      table[zeros][byte] = crc >> 8 ^ table[0][crc & 0xFF];
    }
  }
  use_instruction = has_instruction();
}

uint32_t db_crc32c(uint32_t crc, const void *bytes, size_t count) {
  return use_instruction ? crc32c_instruction(crc, bytes, count) : db_crc32c_portable(crc, bytes, count);
}
