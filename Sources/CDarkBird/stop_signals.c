#include "stop_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
enum { count = sizeof numbers / sizeof *numbers };

static int ends[2] = {-1, -1};
static struct sigaction before[count];
static bool taken[count];

static void on_signal(int number) {
  int code = errno;
  unsigned char byte = (unsigned char)number;
  // A pipe that is full has more of them than anybody needs.
  (void)!write(ends[1], &byte, 1);
  errno = code;
}

int stop_signals_take(void) {
  if (ends[0] < 0) {
    int made[2];
    if (pipe(made) < 0) return -1;
    for (int i = 0; i < 2; i++) {
      fcntl(made[i], F_SETFD, FD_CLOEXEC);
      fcntl(made[i], F_SETFL, O_NONBLOCK);
    }
    ends[0] = made[0];
    ends[1] = made[1];
  }
  struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
  sigfillset(&action.sa_mask);
  for (int i = 0; i < count; i++) {
    if (taken[i] || sigaction(numbers[i], NULL, &before[i]) < 0) continue;
    if (numbers[i] != SIGTERM && before[i].sa_handler == SIG_IGN) continue;
    taken[i] = sigaction(numbers[i], &action, NULL) == 0;
  }
  return ends[0];
}

void stop_signals_give_back(void) {
  for (int i = 0; i < count; i++)
    if (taken[i]) taken[i] = sigaction(numbers[i], &before[i], NULL) < 0;
}
