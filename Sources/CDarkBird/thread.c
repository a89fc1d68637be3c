#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "db_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct start {
  char name[16];
  void (*run)(void *context);
  void *context;
};

static void *run_thread(void *argument) {
  struct start start = *(struct start *)argument;
  free(argument);
#ifdef __APPLE__
  pthread_setname_np(start.name);
#else
  pthread_setname_np(pthread_self(), start.name);
#endif
  start.run(start.context);
  return NULL;
}

int db_start_thread(const char *name, void (*run)(void *context), void *context) {
  struct start *start = calloc(1, sizeof *start);
  if (!start) return EAGAIN;
  strncpy(start->name, name, sizeof start->name - 1);
  start->run = run;
  start->context = context;
  pthread_t thread;
  int error = pthread_create(&thread, NULL, run_thread, start);
  if (error) {
    free(start);
    return error;
  }
  pthread_detach(thread);
  return 0;
}
