#ifndef CDARKBIRD_CRC32C_H
#define CDARKBIRD_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/// CRC-32C (Castagnoli) of `count` bytes, with the processor's instruction where it has one.
///
/// `crc` is 0 for the first piece and the previous result for the next one: the CRC of pieces taken in order is the
/// CRC of the whole. `bytes` may be null if `count` is 0. Any alignment will do.
uint32_t db_crc32c(uint32_t crc, const void *bytes, size_t count);

/// The same by table lookup, on every processor. Tests compare the two.
uint32_t db_crc32c_portable(uint32_t crc, const void *bytes, size_t count);

#endif
