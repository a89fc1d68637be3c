#ifndef CDARKBIRD_DB_FILE_H
#define CDARKBIRD_DB_FILE_H

#include <stdint.h>

// fallocate(2), which Swift's Glibc does not show: reserves disk space and grows the file. 0, or -1 with errno set; ENOSYS
// where the system has no such call.
int db_allocate(int descriptor, int64_t offset, int64_t length);

#endif
