#include "db_heap.h"

#include <stdlib.h>

void db_prepare_heap(size_t bytes) {
#if defined(__GLIBC__)
  // Pieces that are too small to be mapped on their own. They come from the end of the heap, which may be written from then
  // on, also after they are given back; all at once, for giving back is a system call, too. No page of them is touched.
  enum { piece = 64 << 10, most = 128 };
  void *pieces[most];
  size_t count = bytes / piece < most ? bytes / piece : most;
  for (size_t index = 0; index < count; index += 1) pieces[index] = malloc(piece);
  for (size_t index = 0; index < count; index += 1) free(pieces[index]);
#else
  (void)bytes;
#endif
}
