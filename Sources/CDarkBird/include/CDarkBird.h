#ifndef CDARKBIRD_H
#define CDARKBIRD_H

#include "db_lock.h"

#endif
