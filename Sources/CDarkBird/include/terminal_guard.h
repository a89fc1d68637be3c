// Gives a terminal back as it was, whatever ends the process: a crash-safe guard around one terminal, and signals as bytes
// of a pipe. C because a signal handler may only do what POSIX calls async-signal-safe, which Swift cannot promise.
//
// All functions but the handlers belong to one thread, the owner of the terminal. Results are 0 or an errno value unless
// said otherwise.
#ifndef TERMINAL_GUARD_H
#define TERMINAL_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/// Remembers the modes of the terminal `fd` and installs the handlers:
/// ILL, TRAP, SEGV, BUS, ABRT, FPE and QUIT write the restore string, set the modes that were remembered, and let the
/// default action end the process; so do SYS, USR1, USR2, VTALRM, PROF, XCPU, XFSZ and PIPE where nobody handles or ignores them;
/// INT, TERM, HUP, WINCH, TSTP and CONT are queued for `terminal_guard_next_signal`. INT,
/// HUP and TSTP stay ignored where they are ignored already (nohup). The calling thread gets an alternate signal stack if it
/// has none, so that its stack overflow is covered too.
///
/// Call it before newterm: ncurses installs handlers of its own where it finds none, and they end the process at once.
int terminal_guard_install(int fd);

/// What to write to the terminal when the process crashes or exits. Copied; at most 256 bytes, else E2BIG.
int terminal_guard_set_restore(const char *bytes, size_t count);

/// To be called before and after whatever writes to the terminal. If it waits there for seconds after INT, TERM or HUP came, for
/// nobody reads, what is written from then on goes to /dev/null, so that the program can end. SIGALRM is used for that, from
/// the signal until `terminal_guard_uninstall`.
void terminal_guard_note_write(void);

/// Where to poll for signals. Stays the same for the life of the process.
int terminal_guard_signal_fd(void);

/// The next queued signal, or 0; several of one kind are one.
int terminal_guard_next_signal(void);

/// Turns off flow control and literal-next: a Ctrl-S would stop the program for good, and both are keys like others.
int terminal_guard_take_keys(void);

/// Sets the modes that `terminal_guard_install` remembered, without waiting for output to drain.
int terminal_guard_restore_modes(void);

/// Whether the terminal is ours, as after `terminal_guard_install`, or the shell's: then a crash and
/// `terminal_guard_uninstall` leave it alone.
void terminal_guard_claim(bool is_ours);

/// Stops the process as Ctrl-Z does without a handler. Returns once it is continued; at once if it must not stop, because no
/// shell would continue it (an orphaned process group).
int terminal_guard_stop(void);

/// Whether QUIT is one of the signals that end this process, as after `terminal_guard_install`, or is ignored, as for who waits for
/// a program whose keys are its own.
void terminal_guard_heed_quit(bool is_heeded);

/// Starts `command[0]`, a path, on the terminal that is not ours for the time being, with the actions of signals as they
/// are for a new program.
int terminal_guard_spawn(char *const command[], pid_t *process);

/// Waits until that program has ended; on any one thread. When Ctrl-Z stops the program, this process stops with it, as its
/// shell expects, and the two go on together. `number` is the program's exit code, or the signal that ended it: then the
/// result is true.
bool terminal_guard_wait(pid_t process, int *number);

/// Whether the process may use the terminal now; false also if the terminal is gone.
bool terminal_guard_is_foreground(void);

/// Whether a signal is queued that asks the program to end.
bool terminal_guard_must_end(void);

/// Keeps what is written to standard error, if that is the same terminal, until `terminal_guard_release_stderr` or a crash
/// shows it: it would garble the picture and be lost with the alternate screen, the message of a trap for instance.
int terminal_guard_hold_stderr(void);

/// Forgets what was held if it is more than 1 MiB. One system call; meant for once a frame.
void terminal_guard_trim_stderr(void);

/// Connects standard error to the terminal again and shows the last 64 KiB of what was held.
void terminal_guard_release_stderr(void);

/// Restores the modes, if the terminal is ours, and the signal actions that `terminal_guard_install` found. Signals that are still queued are dropped.
/// If the terminal is gone, or SIGHUP came, SIGHUP is ignored from now on instead of ending the process: it comes more than
/// once (from the kernel and from the shell), and the program has work to finish.
int terminal_guard_uninstall(bool is_gone);

/// The size of the guarded terminal in cells; ENOTSUP if it does not know.
int terminal_guard_size(int *width, int *height);

/// Bytes that wait to be read from `fd`; 0 if it is gone.
int terminal_guard_readable_bytes(int fd);

#endif
