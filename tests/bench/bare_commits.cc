// The limit that a disk sets to a store that commits one write at a time: the sqlite3 library
// alone, opened as the servers open it (WAL, synchronous=FULL), one small row a commit.
//
//   bare_commits FILE SECONDS      prints the commits a second
#include <sqlite3.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

void Check(sqlite3* db, int result) {
  if (result == SQLITE_OK || result == SQLITE_DONE) return;
  std::fprintf(stderr, "bare_commits: %s\n", sqlite3_errmsg(db));
  std::exit(1);
}

void Run(sqlite3* db, const char* sql) {
  Check(db, sqlite3_exec(db, sql, nullptr, nullptr, nullptr));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bare_commits FILE SECONDS\n");
    return 2;
  }
  sqlite3* db = nullptr;
  Check(db, sqlite3_open(argv[1], &db));
  Run(db, "PRAGMA journal_mode=WAL");
  Run(db, "PRAGMA synchronous=FULL");
  Run(db, "CREATE TABLE IF NOT EXISTS bare (id INTEGER PRIMARY KEY, content BLOB NOT NULL)");
  sqlite3_stmt* insert = nullptr;
  Check(db, sqlite3_prepare_v2(db, "INSERT INTO bare (content) VALUES (?)", -1, &insert, nullptr));
  const std::string content(300, 'x');

  using Clock = std::chrono::steady_clock;
  const auto began = Clock::now();
  const std::chrono::duration<double> limit(std::atof(argv[2]));
  int commits = 0;
  while (Clock::now() - began < limit) {
    Check(db, sqlite3_bind_blob(insert, 1, content.data(), static_cast<int>(content.size()),
                                SQLITE_STATIC));
    Check(db, sqlite3_step(insert));
    Check(db, sqlite3_reset(insert));
    ++commits;
  }
  const std::chrono::duration<double> took = Clock::now() - began;
  std::printf("%.1f\n", commits / took.count());
  sqlite3_finalize(insert);
  sqlite3_close(db);
}
