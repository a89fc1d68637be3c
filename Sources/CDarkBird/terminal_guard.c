#include "terminal_guard.h"

#include <unistd.h>

int terminal_guard_is_terminal(int fd) { return isatty(fd); }
