#ifndef CDARKBIRD_DB_HEAP_H
#define CDARKBIRD_DB_HEAP_H

#include <stddef.h>
#include <stdint.h>

// Makes the heap of the calling thread ready for about this many bytes of small objects, 720 KiB at most. Costs little when it
// is ready.
//
// glibc lets the heap of a thread other than the main one grow by 4 KiB and one system call at a time, each of which stops
// all other threads that touch new memory. A heap of some hundred bytes a document otherwise takes a fault for each dozen
// documents. The system is also asked to make large pages of it later: reads find hardly any small one in the processor's list
// of pages. Does nothing elsewhere.
void db_prepare_heap(size_t bytes);

// An address in the stack of the calling thread.
static inline uintptr_t db_stack_address(void) { return (uintptr_t)__builtin_frame_address(0); }

#endif
