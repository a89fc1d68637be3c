#ifndef CDARKBIRD_DB_THREAD_SANITIZER_H
#define CDARKBIRD_DB_THREAD_SANITIZER_H

// Only in builds for ThreadSanitizer: orders what other threads did with an object, before they let go of it, before what
// this thread does next.
void db_acquire_object(const void *object);

#endif
