#ifndef TERMINAL_GUARD_H
#define TERMINAL_GUARD_H

/// Whether `fd` is a terminal. Never fails.
int terminal_guard_is_terminal(int fd);

#endif
