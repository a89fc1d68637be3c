#include "terminal_guard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

extern char **environ;

enum {
  restore_bytes_max = 256,
  alternate_stack_bytes = 64 << 10,
  held_bytes_shown = 64 << 10,
  held_bytes_max = 1 << 20,
};

// What ends a program at once; from `first_of_others` on only where nobody else handles or ignores it.
static const int crash_signals[] = {SIGILL,  SIGTRAP, SIGSEGV,   SIGBUS,  SIGABRT, SIGFPE,  SIGQUIT, SIGSYS,
                                    SIGUSR1, SIGUSR2, SIGVTALRM, SIGPROF, SIGXCPU, SIGXFSZ, SIGPIPE};
// In the order in which they are handed out: what ends the program first.
static const int queued_signals[] = {SIGHUP, SIGTERM, SIGINT, SIGTSTP, SIGCONT, SIGWINCH};
enum {
  first_of_others = 7,
  crash_count = sizeof crash_signals / sizeof *crash_signals,
  queued_count = sizeof queued_signals / sizeof *queued_signals,
};

// Written by the owner, read by handlers only while `armed`.
static int terminal_fd = -1;
static struct termios modes;
static char restore[restore_bytes_max];
static _Atomic size_t restore_count;
static int held_fd = -1;          // the file that stands in for standard error
static int standard_error = -1;   // the terminal's own, while it is held
static atomic_int held;           // whether the two above are in use
static atomic_int armed;          // whether the terminal is not as it was

// A terminal that nobody reads, such as that of a connection that hangs, lets whoever writes to it wait for ever, and with it a
// signal that ends the program. After such a signal an alarm looks every two seconds whether the owner waits in a write, and if
// it is the same as at the look before, the terminal leads nowhere from then on.
enum { seconds_between_looks = 2 };
static pthread_t owner;
static int modes_fd = -1;            // the terminal, wherever terminal_fd leads
static int nowhere_fd = -1;          // /dev/null
static atomic_uint writes;           // odd while the owner writes
static atomic_uint last_seen;        // the number of the write at the alarm before
static atomic_int deaf;              // whether the terminal leads nowhere
static struct sigaction alarm_action;  // as it was before us
static atomic_int alarm_installed;

static int signal_pipe[2] = {-1, -1};
static atomic_int queued[queued_count];    // whether each signal came since it was last handed out
static atomic_int hung_up;                 // whether SIGHUP came
static struct sigaction crash_actions[crash_count];    // as they were before us
static struct sigaction queued_actions[queued_count];
static bool crash_installed[crash_count];
static bool queued_installed[queued_count];
static char alternate_stack[alternate_stack_bytes];

// Async-signal-safe.
static void write_all(int fd, const char *bytes, size_t count) {
  while (count > 0) {
    ssize_t written = write(fd, bytes, count);
    if (written < 0 && errno == EINTR) continue;
    // A terminal that somebody has made non-blocking: what is cut off would be taken for a part of what follows.
    struct pollfd sink = {.fd = fd, .events = POLLOUT};
    if (written < 0 && errno == EAGAIN && poll(&sink, 1, 1000) > 0) continue;
    if (written <= 0) return;
    bytes += written;
    count -= (size_t)written;
  }
}

// Async-signal-safe.
static void show_held(void) {
  if (!atomic_exchange(&held, 0)) return;
  if (atomic_load(&deaf)) {
    dup2(nowhere_fd, STDERR_FILENO);
    return;
  }
  dup2(standard_error, STDERR_FILENO);
  struct stat status;
  off_t offset = 0;
  if (fstat(held_fd, &status) == 0 && status.st_size > held_bytes_shown) offset = status.st_size - held_bytes_shown;
  char buffer[512];
  ssize_t count;
  while ((count = pread(held_fd, buffer, sizeof buffer, offset)) > 0) {
    write_all(STDERR_FILENO, buffer, (size_t)count);
    offset += count;
  }
}

// Async-signal-safe. A process in the background may set the modes only while SIGTTOU is blocked.
static int set_modes(void) {
  sigset_t output, before;
  sigemptyset(&output);
  sigaddset(&output, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &output, &before);
  int result;
  do result = tcsetattr(modes_fd, TCSANOW, &modes);
  while (result < 0 && errno == EINTR);
  int code = result < 0 ? errno : 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  return code;
}

// Async-signal-safe; the first of several callers does it.
static void give_back(void) {
  if (atomic_exchange(&armed, 0)) {
    set_modes();
    terminal_guard_note_write();
    write_all(terminal_fd, restore, atomic_load(&restore_count));
    terminal_guard_note_write();
  }
  show_held();
}

static void on_crash(int signal_number) {
  // All signals are blocked here, so this thread gets here once. Another one that crashed first is about to end the
  // process: do not cut its work short.
  static atomic_flag crashing = ATOMIC_FLAG_INIT;
  if (atomic_flag_test_and_set(&crashing))
    for (;;) pause();
  // A terminal that nobody reads must not keep the process.
  signal(SIGALRM, SIG_DFL);
  sigset_t alarms;
  sigemptyset(&alarms);
  sigaddset(&alarms, SIGALRM);
  pthread_sigmask(SIG_UNBLOCK, &alarms, NULL);
  alarm(2 * seconds_between_looks);
  give_back();
  alarm(0);
  struct sigaction action = {.sa_handler = SIG_DFL};
  sigaction(signal_number, &action, NULL);
  // Pending until the handler returns; a fault also repeats there.
  raise(signal_number);
}

// Does not restart the write that it interrupts.
static void on_alarm(int signal_number) {
  int code = errno;
  if (!atomic_load(&alarm_installed)) {
    // It is being given back: no other one must follow.
  } else if (!pthread_equal(pthread_self(), owner)) {
    pthread_kill(owner, signal_number);
  } else {
    unsigned now = atomic_load(&writes);
    if (now % 2 == 1 && now == atomic_exchange(&last_seen, now) && dup2(nowhere_fd, terminal_fd) >= 0)
      atomic_store(&deaf, 1);
    alarm(seconds_between_looks);
  }
  errno = code;
}

// Async-signal-safe.
static void watch_writes(void) {
  if (nowhere_fd < 0 || atomic_exchange(&alarm_installed, 1)) return;
  struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_ONSTACK};
  sigfillset(&action.sa_mask);
  if (sigaction(SIGALRM, &action, &alarm_action) < 0)
    atomic_store(&alarm_installed, 0);
  else
    alarm(seconds_between_looks);
}

static void on_queued(int signal_number) {
  int code = errno;
  if (signal_number == SIGHUP) atomic_store(&hung_up, 1);
  // Ctrl-C is meant for another program where that has the terminal.
  bool ends = signal_number == SIGHUP || signal_number == SIGTERM || (signal_number == SIGINT && atomic_load(&armed));
  if (ends) watch_writes();
  for (int i = 0; i < queued_count; i++)
    if (queued_signals[i] == signal_number) atomic_store(&queued[i], 1);
  // The byte only wakes the owner: if the pipe is full, it is awake.
  (void)!write(signal_pipe[1], "", 1);
  errno = code;
}

static void on_exit_restore(void) { give_back(); }

static int make_pipe(void) {
  if (signal_pipe[0] >= 0) return 0;
  int ends[2];
  if (pipe(ends) < 0) return errno;
  for (int i = 0; i < 2; i++) {
    fcntl(ends[i], F_SETFD, FD_CLOEXEC);
    fcntl(ends[i], F_SETFL, O_NONBLOCK);
  }
  signal_pipe[0] = ends[0];
  signal_pipe[1] = ends[1];
  atexit(on_exit_restore);
  return 0;
}

static void cover_stack(void) {
  stack_t stack;
  if (sigaltstack(NULL, &stack) == 0 && !(stack.ss_flags & SS_DISABLE)) return;
  stack = (stack_t){.ss_sp = alternate_stack, .ss_size = sizeof alternate_stack};
  sigaltstack(&stack, NULL);
}

static void drop_queue(void) {
  while (terminal_guard_next_signal() != 0) {}
}

static int put_back_actions(void) {
  int code = 0;
  for (int i = 0; i < crash_count; i++) {
    struct sigaction now;
    // Somebody else may have begun to ignore or to handle it meanwhile.
    bool is_ours = crash_installed[i] && (i < first_of_others || (sigaction(crash_signals[i], NULL, &now) == 0 &&
                                                                  now.sa_handler == on_crash));
    if (is_ours && sigaction(crash_signals[i], &crash_actions[i], NULL) < 0) code = errno;
    crash_installed[i] = false;
  }
  for (int i = 0; i < queued_count; i++) {
    if (queued_installed[i] && sigaction(queued_signals[i], &queued_actions[i], NULL) < 0) code = errno;
    queued_installed[i] = false;
  }
  // Last: no signal can begin it again.
  if (atomic_exchange(&alarm_installed, 0)) {
    alarm(0);
    if (sigaction(SIGALRM, &alarm_action, NULL) < 0) code = errno;
  }
  return code;
}

int terminal_guard_install(int fd) {
  if (tcgetattr(fd, &modes) < 0) return errno;
  int code = make_pipe();
  if (code != 0) return code;
  drop_queue();
  atomic_store(&hung_up, 0);
  cover_stack();
  terminal_fd = fd;
  // Those of the time before were still of use after it.
  if (modes_fd >= 0) close(modes_fd);
  modes_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
  if (modes_fd < 0) return errno;
  // Without it the program waits as long as its terminal does.
  if (nowhere_fd < 0) nowhere_fd = open("/dev/null", O_WRONLY | O_CLOEXEC);
  owner = pthread_self();
  atomic_store(&writes, 0);
  atomic_store(&last_seen, 0);
  atomic_store(&deaf, 0);
  atomic_store(&restore_count, 0);
  atomic_store(&armed, 1);

  struct sigaction action = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};
  sigfillset(&action.sa_mask);
  for (int i = 0; i < crash_count; i++) {
    if (sigaction(crash_signals[i], NULL, &crash_actions[i]) < 0) goto failed;
    if (i >= first_of_others && crash_actions[i].sa_handler != SIG_DFL) continue;
    if (sigaction(crash_signals[i], &action, NULL) < 0) goto failed;
    crash_installed[i] = true;
  }
  action = (struct sigaction){.sa_handler = on_queued, .sa_flags = SA_ONSTACK | SA_RESTART};
  sigfillset(&action.sa_mask);
  for (int i = 0; i < queued_count; i++) {
    int number = queued_signals[i];
    if (sigaction(number, NULL, &queued_actions[i]) < 0) goto failed;
    bool may_be_ignored = number == SIGINT || number == SIGHUP || number == SIGTSTP;
    if (may_be_ignored && queued_actions[i].sa_handler == SIG_IGN) continue;
    if (sigaction(number, &action, NULL) < 0) goto failed;
    queued_installed[i] = true;
  }
  return 0;

failed:
  code = errno;
  put_back_actions();
  atomic_store(&armed, 0);
  return code;
}

int terminal_guard_set_restore(const char *bytes, size_t count) {
  if (count > restore_bytes_max) return E2BIG;
  // A crash between these lines writes nothing, or the whole string.
  atomic_store(&restore_count, 0);
  memcpy(restore, bytes, count);
  atomic_store(&restore_count, count);
  return 0;
}

void terminal_guard_note_write(void) { atomic_fetch_add(&writes, 1); }

int terminal_guard_signal_fd(void) { return signal_pipe[0]; }

// Before looking at the flags: a signal that comes in between leaves its byte and wakes again.
static void empty_pipe(void) {
  char bytes[64];
  ssize_t count;
  do count = read(signal_pipe[0], bytes, sizeof bytes);
  while (count > 0 || (count < 0 && errno == EINTR));
}

int terminal_guard_next_signal(void) {
  empty_pipe();
  for (int i = 0; i < queued_count; i++)
    if (atomic_exchange(&queued[i], 0)) return queued_signals[i];
  return 0;
}

int terminal_guard_take_keys(void) {
  struct termios now;
  if (tcgetattr(terminal_fd, &now) < 0) return errno;
  now.c_iflag &= (tcflag_t)~IXON;
  now.c_lflag &= (tcflag_t)~IEXTEN;
  return tcsetattr(terminal_fd, TCSANOW, &now) < 0 ? errno : 0;
}

int terminal_guard_restore_modes(void) { return set_modes(); }

void terminal_guard_claim(bool is_ours) { atomic_store(&armed, is_ours); }

bool terminal_guard_is_foreground(void) { return tcgetpgrp(terminal_fd) == getpgrp(); }

bool terminal_guard_must_end(void) {
  empty_pipe();
  for (int i = 0; i < queued_count; i++) {
    int number = queued_signals[i];
    if ((number == SIGHUP || number == SIGTERM || number == SIGINT) && atomic_load(&queued[i])) return true;
  }
  return false;
}

int terminal_guard_stop(void) {
  struct sigaction action = {.sa_handler = SIG_DFL}, before;
  if (sigaction(SIGTSTP, &action, &before) < 0) return errno;
  sigset_t stop, mask;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTSTP);
  pthread_sigmask(SIG_UNBLOCK, &stop, &mask);
  int code = raise(SIGTSTP) == 0 ? 0 : errno;
  pthread_sigmask(SIG_SETMASK, &mask, NULL);
  if (sigaction(SIGTSTP, &before, NULL) < 0) return errno;
  // The caller knows that it was stopped and continued.
  for (int i = 0; i < queued_count; i++)
    if (queued_signals[i] == SIGTSTP || queued_signals[i] == SIGCONT) atomic_store(&queued[i], 0);
  return code;
}

void terminal_guard_heed_quit(bool is_heeded) {
  struct sigaction action = {.sa_handler = is_heeded ? on_crash : SIG_IGN, .sa_flags = SA_ONSTACK};
  sigfillset(&action.sa_mask);
  for (int i = 0; i < crash_count; i++)
    if (crash_signals[i] == SIGQUIT && crash_installed[i]) sigaction(SIGQUIT, &action, NULL);
}

int terminal_guard_spawn(char *const command[], pid_t *process) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code != 0) return code;
  if ((code = posix_spawnattr_init(&attributes)) == 0) {
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    // Ignored here, which a program inherits.
    static const int ignored[] = {SIGPIPE, SIGQUIT, SIGXFSZ};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) sigaddset(&defaults, ignored[i]);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    // Ours may be a file for the time being.
    code = posix_spawn_file_actions_adddup2(&actions, terminal_fd, STDERR_FILENO);
    if (code == 0) code = posix_spawn(process, command[0], &actions, &attributes, command, environ);
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return code;
}

bool terminal_guard_wait(pid_t process, int *number) {
  for (;;) {
    int status = 0;
    pid_t result = waitpid(process, &status, WUNTRACED);
    if (result < 0 && errno == EINTR) continue;
    if (result < 0) {
      *number = 0;
      return false;
    }
    if (WIFSTOPPED(status)) {
      terminal_guard_stop();
      // If only we were continued, or could not stop.
      kill(process, SIGCONT);
      continue;
    }
    *number = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    return WIFSIGNALED(status);
  }
}

// A new file; -1 if there can be none. `path` has room for all of it.
static int make_file(char *path, const char *folder, const char *name) {
  strcpy(path, folder);
  strcat(path, name);
  return mkstemp(path);
}

int terminal_guard_hold_stderr(void) {
  struct stat error, terminal;
  if (!isatty(STDERR_FILENO) || fstat(STDERR_FILENO, &error) < 0 || fstat(terminal_fd, &terminal) < 0) return 0;
  if (error.st_rdev != terminal.st_rdev || atomic_load(&held)) return 0;
  // A file, not a pipe: nobody has to read it, so a writer never waits.
  const char *folder = getenv("TMPDIR");
  char path[1024];
  static const char name[] = "/darkbird-stderr-XXXXXX";
  if (!folder || strlen(folder) + sizeof name > sizeof path) folder = "/tmp";
  int file = make_file(path, folder, name);
  if (file < 0) file = make_file(path, "/tmp", name);
  if (file < 0) return errno;
  unlink(path);
  fcntl(file, F_SETFD, FD_CLOEXEC);
  fcntl(file, F_SETFL, O_APPEND);
  int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
  if (copy < 0 || dup2(file, STDERR_FILENO) < 0) {
    int code = errno;
    if (copy >= 0) close(copy);
    close(file);
    return code;
  }
  held_fd = file;
  standard_error = copy;
  atomic_store(&held, 1);
  return 0;
}

void terminal_guard_trim_stderr(void) {
  struct stat status;
  if (!atomic_load(&held) || fstat(held_fd, &status) < 0 || status.st_size <= held_bytes_max) return;
  (void)!ftruncate(held_fd, 0);
}

void terminal_guard_release_stderr(void) {
  if (!atomic_load(&held)) return;
  show_held();
  close(held_fd);
  close(standard_error);
  held_fd = standard_error = -1;
}

int terminal_guard_uninstall(bool is_gone) {
  int code = 0;
  if (atomic_exchange(&armed, 0)) code = set_modes();
  for (int i = 0; i < queued_count; i++) {
    if (queued_signals[i] != SIGHUP || queued_actions[i].sa_handler != SIG_DFL) continue;
    if (is_gone || atomic_load(&hung_up)) queued_actions[i].sa_handler = SIG_IGN;
  }
  int actions = put_back_actions();
  drop_queue();
  return code != 0 ? code : actions;
}

int terminal_guard_size(int *width, int *height) {
  struct winsize size;
  if (ioctl(terminal_fd, TIOCGWINSZ, &size) < 0) return errno;
  if (size.ws_col == 0 || size.ws_row == 0) return ENOTSUP;
  *width = size.ws_col;
  *height = size.ws_row;
  return 0;
}

int terminal_guard_readable_bytes(int fd) {
  int count = 0;
  return ioctl(fd, FIONREAD, &count) < 0 ? 0 : count;
}
