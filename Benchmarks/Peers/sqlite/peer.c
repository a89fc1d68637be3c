// SQLite as a store of documents: `peer ROW --documents N --threads N --directory DIR` prints one JSON object.
//
// The columns are the fields; email is unique, city, team and age are indexed where the row is an indexed one. A connection
// and its prepared statements for each thread. In memory that is one database that all connections read side by side, each with a
// page cache of its own, and write one after the other; so rows in memory insert with one thread, as do those on disk, where the
// log (WAL) takes one writer at a time as well: more writers would only wait. Inserts come 1,000 a transaction on disk and
// 100,000 in memory, but for disk-insert-synced: each commits alone, with synchronous=FULL, by 64 threads that take turns
// with a mutex, for SQLite's own way to wait for a writer is to sleep. (The others on disk: NORMAL.)
#include <sqlite3.h>

#include "bench.h"

static options run;
static char database[4096];
static document *documents;
static int is_indexed = 1, is_each_committed, is_on_disk;
static uint64_t batch;
static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;

typedef struct {
  sqlite3 *connection;
  sqlite3_stmt *insert, *by_key, *by_email, *by_city, *by_age, *all, *update;
} session;

static void check(int code, int expected, sqlite3 *connection) {
  if (code != expected) fail(sqlite3_errmsg(connection));
}

static void execute(sqlite3 *connection, const char *text) {
  check(sqlite3_exec(connection, text, NULL, NULL, NULL), SQLITE_OK, connection);
}

static sqlite3 *connect_database(void) {
  sqlite3 *connection;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX;
  if (sqlite3_open_v2(database, &connection, flags, NULL)) fail("no database");
  sqlite3_busy_timeout(connection, 60000);
  if (is_on_disk) {
    execute(connection, "PRAGMA journal_mode=WAL");
    execute(connection, is_each_committed ? "PRAGMA synchronous=FULL" : "PRAGMA synchronous=NORMAL");
  }
  execute(connection, "PRAGMA cache_size=-262144");
  return connection;
}

static sqlite3_stmt *prepare(sqlite3 *connection, const char *text) {
  sqlite3_stmt *statement;
  check(sqlite3_prepare_v3(connection, text, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), SQLITE_OK, connection);
  return statement;
}

static void *open_session(int thread) {
  (void)thread;
  session *self = calloc(1, sizeof *self);
  self->connection = connect_database();
  self->insert = prepare(self->connection, "INSERT INTO document VALUES (?,?,?,?,?,?,?,?)");
  self->by_key = prepare(self->connection, "SELECT age FROM document WHERE key=?");
  self->by_email = prepare(self->connection, "SELECT age FROM document WHERE email=?");
  self->by_city = prepare(self->connection, "SELECT age, key, score FROM document WHERE city=?");
  self->by_age = prepare(self->connection, "SELECT age, key, score FROM document WHERE age BETWEEN ? AND ? ORDER BY age");
  self->all = prepare(self->connection, "SELECT age, key, score FROM document");
  self->update = prepare(self->connection, "UPDATE document SET age=? WHERE key=?");
  return self;
}

static void close_session(void *state) {
  session *self = state;
  sqlite3_stmt *statement;
  while ((statement = sqlite3_next_stmt(self->connection, NULL))) sqlite3_finalize(statement);
  sqlite3_close(self->connection);
  free(self);
}

static void bind_text(sqlite3_stmt *statement, int place, const char *text) {
  sqlite3_bind_text(statement, place, text, -1, SQLITE_STATIC);
}

// One statement that changes something.
static void change(session *self, sqlite3_stmt *statement) {
  check(sqlite3_step(statement), SQLITE_DONE, self->connection);
  sqlite3_reset(statement);
}

// All rows of a statement; returns how many.
static uint64_t visit(session *self, sqlite3_stmt *statement) {
  uint64_t found = 0;
  volatile int age;
  int code;
  while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
    age = sqlite3_column_int(statement, 0);
    found++;
  }
  (void)age;
  check(code, SQLITE_DONE, self->connection);
  sqlite3_reset(statement);
  return found;
}

static uint64_t insert(void *state, uint64_t from, uint64_t to) {
  session *self = state;
  for (uint64_t number = from; number < to; number++) {
    if (!is_each_committed && (number - from) % batch == 0) execute(self->connection, "BEGIN IMMEDIATE");
    const document *one = &documents[number];
    sqlite3_bind_int64(self->insert, 1, (sqlite3_int64)number);
    bind_text(self->insert, 2, one->name);
    bind_text(self->insert, 3, one->email);
    bind_text(self->insert, 4, one->city);
    bind_text(self->insert, 5, one->team);
    sqlite3_bind_int(self->insert, 6, one->age);
    sqlite3_bind_double(self->insert, 7, one->score);
    bind_text(self->insert, 8, one->bio);
    if (is_each_committed) pthread_mutex_lock(&turn);
    change(self, self->insert);
    if (is_each_committed) pthread_mutex_unlock(&turn);
    if (!is_each_committed && ((number - from) % batch == batch - 1 || number + 1 == to)) {
      execute(self->connection, "COMMIT");
    }
  }
  return to - from;
}

static uint64_t lookup(void *state, uint64_t from, uint64_t to) {
  session *self = state;
  uint64_t found = 0;
  for (uint64_t operation = from; operation < to; operation++) {
    sqlite3_bind_int64(self->by_key, 1, (sqlite3_int64)random_number(operation, run.documents));
    found += visit(self, self->by_key);
  }
  return found;
}

static uint64_t lookup_unique(void *state, uint64_t from, uint64_t to) {
  session *self = state;
  uint64_t found = 0;
  for (uint64_t operation = from; operation < to; operation++) {
    bind_text(self->by_email, 1, documents[random_number(operation, run.documents)].email);
    found += visit(self, self->by_email);
  }
  return found;
}

static uint64_t by_tag(void *state, uint64_t from, uint64_t to) {
  session *self = state;
  uint64_t found = 0;
  char city[16];
  for (uint64_t operation = from; operation < to; operation++) {
    city_of(operation % CITIES, city);
    bind_text(self->by_city, 1, city);
    found += visit(self, self->by_city);
  }
  return found;
}

static uint64_t by_range(void *state, uint64_t from, uint64_t to) {
  session *self = state;
  uint64_t found = 0;
  for (uint64_t operation = from; operation < to; operation++) {
    int age = (int)(operation % (AGES / 10)) * 10;
    sqlite3_bind_int(self->by_age, 1, age);
    sqlite3_bind_int(self->by_age, 2, age + 9);
    found += visit(self, self->by_age);
  }
  return found;
}

static uint64_t scan(void *state, uint64_t from, uint64_t to) {
  session *self = state;
  uint64_t found = 0;
  for (uint64_t operation = from; operation < to; operation++) found += visit(self, self->all);
  return found;
}

static uint64_t update(void *state, uint64_t from, uint64_t to) {
  session *self = state;
  for (uint64_t operation = from; operation < to; operation++) {
    if ((operation - from) % batch == 0) execute(self->connection, "BEGIN IMMEDIATE");
    sqlite3_bind_int(self->update, 1, (int)(operation % AGES));
    sqlite3_bind_int64(self->update, 2, (sqlite3_int64)random_number(operation, run.documents));
    change(self, self->update);
    if ((operation - from) % batch == batch - 1 || operation + 1 == to) execute(self->connection, "COMMIT");
  }
  return to - from;
}

static double do_job(uint64_t (*work)(void *, uint64_t, uint64_t), int threads, uint64_t operations, uint64_t expected) {
  job one = {.open = open_session, .work = work, .close = close_session};
  uint64_t found;
  double seconds = measure(&one, threads, operations, &found);
  if (found != expected) fail("not all documents were found");
  return seconds;
}

int main(int count, char **arguments) {
  run = parse_options(count, arguments);
  const char *row = run.row;
  uint64_t n = run.documents, operations = n;
  is_on_disk = !strncmp(row, "disk-", 5);
  batch = is_on_disk ? 1000 : 100000;
  is_each_committed = !strcmp(row, "disk-insert-synced");
  is_indexed = strcmp(row, "ram-insert") != 0;
  if (is_on_disk) {
    snprintf(database, sizeof database, "file:%s/database", run.directory);
  } else {
    // Not a shared cache, in which readers wait for each other.
    snprintf(database, sizeof database, "file:/bench?vfs=memdb");
  }
  documents = malloc(n * sizeof *documents);
  if (!documents) fail("no memory");
  for (uint64_t number = 0; number < n; number++) documents[number] = make_document(number);

  // Keeps the database in memory alive while its sessions come and go.
  sqlite3 *keeper = connect_database();
  execute(keeper,
          "CREATE TABLE document (key INTEGER PRIMARY KEY, name TEXT, email TEXT, city TEXT, team TEXT, age INTEGER, "
          "score REAL, bio TEXT)");
  if (is_indexed) {
    execute(keeper,
            "CREATE UNIQUE INDEX by_email ON document (email); CREATE INDEX by_city ON document (city);"
            "CREATE INDEX by_team ON document (team); CREATE INDEX by_age ON document (age)");
  }

  double seconds;
  if (is_each_committed) {
    run.threads = 64;
    // A commit each: a small part of the documents is enough.
    operations = n / 100 < 640 ? 640 : n / 100;
    if (operations > n) operations = n;
    seconds = do_job(insert, run.threads, operations, operations);
  } else if (strstr(row, "-insert")) {
    run.threads = 1;
    seconds = do_job(insert, 1, n, n);
  } else {
    do_job(insert, 1, n, n);
    uint64_t queries = 1000;
    if (!strcmp(row, "lookup")) {
      // Each connection begins with an empty page cache: the more lookups, the less that counts.
      operations = 5 * n;
      seconds = do_job(lookup, run.threads, operations, operations);
    } else if (!strcmp(row, "lookup-unique")) {
      seconds = do_job(lookup_unique, run.threads, n, n);
    } else if (!strcmp(row, "tag-documents")) {
      seconds = do_job(by_tag, run.threads, queries, n);
    } else if (!strcmp(row, "range-documents")) {
      seconds = do_job(by_range, run.threads, queries, n);
    } else if (!strcmp(row, "scan")) {
      operations = 10 * n;
      seconds = do_job(scan, run.threads, 10, operations);
    } else if (!strcmp(row, "update")) {
      run.threads = 1;
      seconds = do_job(update, 1, n, n);
    } else {
      fail("no such row");
      return 70;
    }
  }
  sqlite3_close(keeper);
  print_result(run, operations, seconds);
}
