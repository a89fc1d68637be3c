// Signals that ask a program without a dashboard to end, as bytes of a pipe. C because a signal handler may only do what POSIX
// calls async-signal-safe, which Swift cannot promise. Not Dispatch's sources: those are in place some time after they are
// made, and on Linux never again once a signal has its default action back; a signal that comes then is lost.
#ifndef STOP_SIGNALS_H
#define STOP_SIGNALS_H

/// From now on INT, TERM and HUP write their number, a byte, to a pipe. INT and HUP stay ignored where they are ignored already
/// (nohup). Belongs to one thread.
/// - Returns: where to read the numbers, without waiting; the same each time, and never closed. -1 and `errno` if there can
///   be no pipe.
int stop_signals_take(void);

/// Puts back what the signals did before.
void stop_signals_give_back(void);

#endif
