// Redis as a store of documents: `peer ROW --documents N --threads N --directory DIR` prints one JSON object.
//
// A server of its own on a Unix socket in the directory, which the program starts and stops; nothing is saved to disk. Each
// thread has a connection and sends 128 commands before it reads their answers. A document is one value of about 190 bytes,
// which the client has encoded; the indexed insert keeps it in a hash, with a hash from email to key, sets for the tags, and
// a sorted set for the age. Queries by tag and range get the keys of up to about a thousand documents, then the documents.
#include <hiredis/hiredis.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

enum { PIPELINE = 128 };

static options run;
static char socket_path[4096];
static document *documents;
static int is_indexed;

typedef struct {
  uint64_t from, to;
} part;

// CBOR, as darkbird encodes it, but that the age always takes three bytes.
static size_t put_text(uint8_t *bytes, const char *text) {
  size_t count = strlen(text), head = count < 24 ? 1 : 2;
  bytes[0] = (uint8_t)(count < 24 ? 0x60 + count : 0x78);
  if (head == 2) bytes[1] = (uint8_t)count;
  memcpy(bytes + head, text, count);
  return head + count;
}

static size_t encode(const document *one, uint8_t *bytes) {
  size_t at = 0;
  bytes[at++] = 0xA7;
  const char *names[] = {"name", "email", "city", "team", "bio"};
  const char *values[] = {one->name, one->email, one->city, one->team, one->bio};
  for (int field = 0; field < 5; field++) {
    at += put_text(bytes + at, names[field]);
    at += put_text(bytes + at, values[field]);
  }
  at += put_text(bytes + at, "age");
  bytes[at++] = 0x19;
  bytes[at++] = (uint8_t)(one->age >> 8);
  bytes[at++] = (uint8_t)one->age;
  at += put_text(bytes + at, "score");
  bytes[at++] = 0xFB;
  uint64_t bits;
  memcpy(&bits, &one->score, 8);
  for (int shift = 56; shift >= 0; shift -= 8) bytes[at++] = (uint8_t)(bits >> shift);
  return at;
}

static redisContext *connect_server(void) {
  for (int attempt = 0; attempt < 500; attempt++) {
    redisContext *context = redisConnectUnix(socket_path);
    if (context && !context->err) return context;
    if (context) redisFree(context);
    usleep(10000);
  }
  fail("redis-server does not answer");
  return NULL;
}

static void *open_session(int thread) {
  (void)thread;
  return connect_server();
}

static void close_session(void *state) { redisFree(state); }

static redisReply *answer(redisContext *context) {
  void *reply;
  if (redisGetReply(context, &reply) != REDIS_OK) fail(context->errstr);
  if (((redisReply *)reply)->type == REDIS_REPLY_ERROR) fail(((redisReply *)reply)->str);
  return reply;
}

// Reads `count` answers and returns how many of them are texts.
static uint64_t answers(redisContext *context, int count) {
  uint64_t found = 0;
  for (int index = 0; index < count; index++) {
    redisReply *reply = answer(context);
    found += reply->type == REDIS_REPLY_STRING;
    freeReplyObject(reply);
  }
  return found;
}

static uint64_t insert(void *state, uint64_t from, uint64_t to) {
  redisContext *context = state;
  uint8_t bytes[512];
  char key[24], city[24], team[24], age[16];
  int waiting = 0;
  for (uint64_t number = from; number < to; number++) {
    const document *one = &documents[number];
    size_t count = encode(one, bytes);
    size_t key_count = (size_t)snprintf(key, sizeof key, "%" PRIu64, number);
    if (is_indexed) {
      snprintf(city, sizeof city, "c:%.15s", one->city);
      snprintf(team, sizeof team, "t:%.15s", one->team);
      snprintf(age, sizeof age, "%d", one->age);
      const char *set[] = {"HSET", "documents", key, (const char *)bytes};
      const size_t set_counts[] = {4, 9, key_count, count};
      redisAppendCommandArgv(context, 4, set, set_counts);
      redisAppendCommandArgv(context, 4, (const char *[]){"HSETNX", "emails", one->email, key}, NULL);
      redisAppendCommandArgv(context, 3, (const char *[]){"SADD", city, key}, NULL);
      redisAppendCommandArgv(context, 3, (const char *[]){"SADD", team, key}, NULL);
      redisAppendCommandArgv(context, 4, (const char *[]){"ZADD", "ages", age, key}, NULL);
      waiting += 5;
    } else {
      redisAppendCommandArgv(
          context, 3, (const char *[]){"SET", key, (const char *)bytes}, (const size_t[]){3, key_count, count});
      waiting++;
    }
    if (waiting >= PIPELINE || number + 1 == to) {
      answers(context, waiting);
      waiting = 0;
    }
  }
  return to - from;
}

static uint64_t lookup(void *state, uint64_t from, uint64_t to) {
  redisContext *context = state;
  uint64_t found = 0;
  char key[24];
  int waiting = 0;
  for (uint64_t operation = from; operation < to; operation++) {
    snprintf(key, sizeof key, "%" PRIu64, random_number(operation, run.documents));
    redisAppendCommandArgv(context, 2, (const char *[]){"GET", key}, NULL);
    if (++waiting == PIPELINE || operation + 1 == to) {
      found += answers(context, waiting);
      waiting = 0;
    }
  }
  return found;
}

// The keys of many emails, then their documents.
static uint64_t lookup_unique(void *state, uint64_t from, uint64_t to) {
  redisContext *context = state;
  uint64_t found = 0;
  for (uint64_t operation = from; operation < to; operation += PIPELINE) {
    int count = to - operation < PIPELINE ? (int)(to - operation) : PIPELINE;
    for (int index = 0; index < count; index++) {
      const char *email = documents[random_number(operation + (uint64_t)index, run.documents)].email;
      redisAppendCommandArgv(context, 3, (const char *[]){"HGET", "emails", email}, NULL);
    }
    redisReply *keys[PIPELINE];
    for (int index = 0; index < count; index++) keys[index] = answer(context);
    for (int index = 0; index < count; index++) {
      redisAppendCommandArgv(context, 3, (const char *[]){"HGET", "documents", keys[index]->str}, NULL);
      freeReplyObject(keys[index]);
    }
    found += answers(context, count);
  }
  return found;
}

// The documents whose keys an answer lists.
static uint64_t get_all(redisContext *context, redisReply *keys) {
  uint64_t found = 0;
  if (keys->elements > 0) {
    const char **arguments = malloc((keys->elements + 2) * sizeof *arguments);
    size_t *counts = malloc((keys->elements + 2) * sizeof *counts);
    arguments[0] = "HMGET", counts[0] = 5;
    arguments[1] = "documents", counts[1] = 9;
    for (size_t index = 0; index < keys->elements; index++) {
      arguments[index + 2] = keys->element[index]->str;
      counts[index + 2] = keys->element[index]->len;
    }
    redisAppendCommandArgv(context, (int)keys->elements + 2, arguments, counts);
    redisReply *reply = answer(context);
    for (size_t index = 0; index < reply->elements; index++) {
      found += reply->element[index]->type == REDIS_REPLY_STRING;
    }
    freeReplyObject(reply);
    free(arguments);
    free(counts);
  }
  freeReplyObject(keys);
  return found;
}

static uint64_t by_tag(void *state, uint64_t from, uint64_t to) {
  uint64_t found = 0;
  char tag[24] = "c:";
  for (uint64_t operation = from; operation < to; operation++) {
    city_of(operation % CITIES, tag + 2);
    redisAppendCommandArgv(state, 2, (const char *[]){"SMEMBERS", tag}, NULL);
    found += get_all(state, answer(state));
  }
  return found;
}

static uint64_t by_range(void *state, uint64_t from, uint64_t to) {
  uint64_t found = 0;
  for (uint64_t operation = from; operation < to; operation++) {
    int age = (int)(operation % (AGES / 10)) * 10;
    redisAppendCommand(state, "ZRANGEBYSCORE ages %d %d", age, age + 9);
    found += get_all(state, answer(state));
  }
  return found;
}

static double do_job(uint64_t (*work)(void *, uint64_t, uint64_t), uint64_t operations, uint64_t expected) {
  job one = {.open = open_session, .work = work, .close = close_session};
  uint64_t found;
  double seconds = measure(&one, run.threads, operations, &found);
  if (found != expected) fail("not all documents were found");
  return seconds;
}

static pid_t start_server(void) {
  pid_t started = fork();
  if (started == 0) {
    // A program that is killed takes its server with it.
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (!freopen("/dev/null", "w", stdout)) _exit(127);
    execlp("redis-server", "redis-server", "--port", "0", "--unixsocket", socket_path, "--save", "", "--appendonly",
           "no", "--dir", run.directory, (char *)NULL);
    _exit(127);
  }
  return started;
}

static pid_t server;

static void stop_server(void) {
  kill(server, SIGTERM);
  waitpid(server, NULL, 0);
}

int main(int count, char **arguments) {
  run = parse_options(count, arguments);
  const char *row = run.row;
  uint64_t n = run.documents;
  snprintf(socket_path, sizeof socket_path, "%s/redis.sock", run.directory);
  documents = malloc(n * sizeof *documents);
  if (!documents) fail("no memory");
  for (uint64_t number = 0; number < n; number++) documents[number] = make_document(number);
  server = start_server();
  // However this ends, the server does too.
  atexit(stop_server);
  is_indexed = strcmp(row, "ram-insert") && strcmp(row, "lookup");

  double seconds = do_job(insert, n, n);
  uint64_t queries = 1000;
  if (!strcmp(row, "lookup")) seconds = do_job(lookup, n, n);
  else if (!strcmp(row, "lookup-unique")) seconds = do_job(lookup_unique, n, n);
  else if (!strcmp(row, "tag-documents")) seconds = do_job(by_tag, queries, n);
  else if (!strcmp(row, "range-documents")) seconds = do_job(by_range, queries, n);
  else if (strcmp(row, "ram-insert") && strcmp(row, "ram-insert-indexed")) fail("no such row");
  print_result(run, n, seconds);
}
