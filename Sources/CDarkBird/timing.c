#include "db_timing.h"

_Thread_local uint64_t db_dice;
