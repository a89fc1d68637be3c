#ifndef CDARKBIRD_DB_THREAD_SANITIZER_H
#define CDARKBIRD_DB_THREAD_SANITIZER_H

#include <stdbool.h>
#include <stddef.h>

// Both only in builds with --sanitize=thread. Orders what other threads did with an object, before they let go of it, before what
// this thread does next. `has_objects` says of an array that it holds such objects, and nothing else.
void db_acquire_object(const void *object, bool has_objects);

// The environment variable DARKBIRD_MUTANT as it was when the program began; NULL without.
const char *db_planted_mutant(void);

#endif
