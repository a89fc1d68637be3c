// Memory of tables.
#ifndef CDARKBIRD_DB_MEMORY_H
#define CDARKBIRD_DB_MEMORY_H

#include <stddef.h>

// `bytes` that are 0, at least 16-byte aligned. Aborts where there is no memory left, as all of Swift does.
void *_Nonnull db_allocate_zeroed(size_t bytes);

// Frees what `db_allocate_zeroed` returned for as many bytes.
void db_free_zeroed(void *_Nonnull memory, size_t bytes);

#endif
