#ifndef CDARKBIRD_H
#define CDARKBIRD_H

#include "crc32c.h"
#include "db_lock.h"

#endif
