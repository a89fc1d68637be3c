#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#ifdef __linux__
#include <linux/magic.h>
#include <sys/vfs.h>
#ifndef XFS_SUPER_MAGIC  // Not in the headers of older kernels.
#define XFS_SUPER_MAGIC 0x58465342
#endif
#endif

int db_allocate(int descriptor, int64_t offset, int64_t length) {
#ifdef __linux__
  return fallocate(descriptor, 0, offset, length);
#else
  (void)descriptor, (void)offset, (void)length;
  errno = ENOSYS;
  return -1;
#endif
}

bool db_first_write_is_slow(int descriptor) {
#ifdef __linux__
  struct statfs system;
  // The number is that of ext2, ext3 and ext4.
  return fstatfs(descriptor, &system) == 0 && (system.f_type == EXT4_SUPER_MAGIC || system.f_type == XFS_SUPER_MAGIC);
#else
  (void)descriptor;
  return false;
#endif
}
