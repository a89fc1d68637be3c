#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_file.h"

#include <errno.h>
#include <fcntl.h>

int db_allocate(int descriptor, int64_t offset, int64_t length) {
#ifdef __linux__
  return fallocate(descriptor, 0, offset, length);
#else
  (void)descriptor, (void)offset, (void)length;
  errno = ENOSYS;
  return -1;
#endif
}
