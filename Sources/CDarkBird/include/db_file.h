#ifndef CDARKBIRD_DB_FILE_H
#define CDARKBIRD_DB_FILE_H

#include <stdbool.h>
#include <stdint.h>

// fallocate(2), which Swift's Glibc does not show: reserves disk space and grows the file. 0, or -1 with errno set; ENOSYS
// where the system has no such call.
int db_allocate(int descriptor, int64_t offset, int64_t length);

// Whether a file lies in a file system that takes an entry in its journal when something is first written to reserved room, so that
// fdatasync has to wait for that too: ext4, by measurement, and XFS, by its design.
bool db_first_write_is_slow(int descriptor);

#endif
