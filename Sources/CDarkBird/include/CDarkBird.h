#ifndef CDARKBIRD_H
#define CDARKBIRD_H

#include "crc32c.h"
#include "db_file.h"
#include "db_hash.h"
#include "db_heap.h"
#include "db_lock.h"
#include "db_memory.h"
#include "db_readers.h"
#include "db_thread.h"
#include "db_thread_sanitizer.h"
#include "db_timing.h"
#include "stop_signals.h"
#include "terminal_guard.h"

#endif
