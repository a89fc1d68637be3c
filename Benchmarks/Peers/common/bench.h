// What the peers in C share: the document by the formula of Sources/DarkBirdBench/BenchDocument.swift, threads that begin
// together, and the one JSON object that a row prints.
#ifndef BENCH_H
#define BENCH_H

#include <inttypes.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { CITIES = 1000, TEAMS = 50, AGES = 10000 };

typedef struct {
  char name[16], email[32], city[16], team[16], bio[128];
  int age;
  double score;
} document;

static void fail(const char *what) {
  fprintf(stderr, "peer: %s\n", what);
  exit(70);
}

static uint64_t next_random(uint64_t *state) {
  uint64_t mixed = *state += 0x9E3779B97F4A7C15;
  mixed = (mixed ^ mixed >> 30) * 0xBF58476D1CE4E5B9;
  mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
  return mixed ^ mixed >> 31;
}

// The document's number for the operation with this number.
static inline uint64_t random_number(uint64_t operation, uint64_t bound) {
  return (uint64_t)((unsigned __int128)next_random(&operation) * bound >> 64);
}

// Six letters and a zero.
static char *word(char *text, uint64_t bits, int is_capital) {
  for (int syllable = 0; syllable < 3; syllable++) {
    int part = (int)(bits >> 6 * syllable & 63);
    *text++ = "bdfgklmnprstvzhj"[part & 15] - (is_capital && syllable == 0 ? 32 : 0);
    *text++ = "aeio"[part >> 4];
  }
  *text = 0;
  return text;
}

static inline void email_of(uint64_t number, char *text) {
  uint64_t state = number;
  char *end = word(text, next_random(&state), 0);
  snprintf(end, 24, ".%07d@mail.info", (int)(number % 10000000));
}

static inline void city_of(uint64_t number, char *text) {
  uint64_t state = number;
  char *end = word(text, next_random(&state), 1);
  snprintf(end, 8, "%03d", (int)(number % 1000));
}

static inline document make_document(uint64_t number) {
  document made;
  uint64_t state = number;
  uint64_t names = next_random(&state);
  char *end = word(made.name, names, 1);
  *end++ = ' ';
  word(end, names >> 18, 1);
  email_of(number, made.email);
  uint64_t places = next_random(&state);
  city_of(places % CITIES, made.city);
  uint64_t team = (places >> 32) % TEAMS, team_state = CITIES + team;
  end = word(made.team, next_random(&team_state), 1);
  snprintf(end, 8, "%02d", (int)team);
  uint64_t numbers = next_random(&state);
  made.age = (int)(numbers % AGES);
  made.score = (double)((numbers >> 32) % 10000) / 100;
  int words = 8 + (int)(next_random(&state) & 7);
  uint64_t bits = 0;
  end = made.bio;
  for (int index = 0; index < words; index++) {
    if (index % 3 == 0) bits = next_random(&state);
    if (index > 0) *end++ = ' ';
    end = word(end, bits, 0);
    bits >>= 18;
  }
  return made;
}

// MARK: The run

typedef struct {
  const char *row, *directory;
  uint64_t documents;
  int threads;
} options;

static inline options parse_options(int count, char **arguments) {
  options parsed = {.row = "", .directory = "/tmp", .documents = 1000000, .threads = 2};
  if (count > 1) parsed.row = arguments[1];
  for (int index = 2; index + 1 < count; index += 2) {
    const char *name = arguments[index], *value = arguments[index + 1];
    if (!strcmp(name, "--documents")) parsed.documents = strtoull(value, NULL, 10);
    else if (!strcmp(name, "--threads")) parsed.threads = atoi(value);
    else if (!strcmp(name, "--directory")) parsed.directory = value;
    else fail("no such option");
  }
  if (parsed.documents < 1 || parsed.threads < 1 || parsed.threads > 1024) fail("documents or threads out of bounds");
  return parsed;
}

static double seconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Does the operations from `from` to below `to`; returns how many documents they found. `open` comes before the clock.
typedef struct {
  void *(*open)(int thread);
  uint64_t (*work)(void *state, uint64_t from, uint64_t to);
  void (*close)(void *state);
} job;

typedef struct {
  const job *job;
  pthread_barrier_t *barrier;
  uint64_t from, to, found;
  int thread;
  double start, end;
} worker;

static void *run_worker(void *argument) {
  worker *self = argument;
  void *state = self->job->open(self->thread);
  pthread_barrier_wait(self->barrier);
  self->start = seconds_now();
  self->found = self->job->work(state, self->from, self->to);
  self->end = seconds_now();
  self->job->close(state);
  return NULL;
}

// Returns the seconds from the moment that all threads were ready to the end of the last one.
static inline double measure(const job *job, int threads, uint64_t operations, uint64_t *found) {
  pthread_barrier_t barrier;
  pthread_t *handles = calloc(threads, sizeof *handles);
  worker *workers = calloc(threads, sizeof *workers);
  pthread_barrier_init(&barrier, NULL, threads + 1);
  for (int thread = 0; thread < threads; thread++) {
    workers[thread] = (worker){
        .job = job, .barrier = &barrier, .thread = thread,
        .from = operations * thread / threads, .to = operations * (thread + 1) / threads};
    if (pthread_create(&handles[thread], NULL, run_worker, &workers[thread])) fail("no thread");
  }
  pthread_barrier_wait(&barrier);
  // Of the first worker: this thread may come to its clock when the work is half done.
  double start = 0, end = 0;
  *found = 0;
  for (int thread = 0; thread < threads; thread++) {
    pthread_join(handles[thread], NULL);
    *found += workers[thread].found;
    if (thread == 0 || workers[thread].start < start) start = workers[thread].start;
    if (workers[thread].end > end) end = workers[thread].end;
  }
  pthread_barrier_destroy(&barrier);
  free(handles);
  free(workers);
  return end - start;
}

static inline void print_result(options run, uint64_t operations, double seconds) {
  printf("{\"name\":\"%s\",\"threads\":%d,\"operations\":%" PRIu64 ",\"seconds\":%f,\"operations_per_second\":%f}\n",
         run.row, run.threads, operations, seconds, (double)operations / seconds);
}

#endif
