#ifndef CDARKBIRD_H
#define CDARKBIRD_H

#include "terminal_guard.h"

#endif
