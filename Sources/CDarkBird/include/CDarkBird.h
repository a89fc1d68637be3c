#ifndef CDARKBIRD_H
#define CDARKBIRD_H

#include "db_lock.h"
#include "terminal_guard.h"

#endif
