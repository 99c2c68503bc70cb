// One JSON object a line on stderr, by a writer of its own (nobody waits for a log; what it cannot
// take is lost and counted). Keys come from a closed list, so that patient data cannot
// slip in as one more field; values are names, codes and numbers.
//
// Thread-safe after Init.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>

#include "absl/strings/string_view.h"

namespace ipt::log {

enum class Level { kDebug, kInfo, kWarning, kError };

// The only keys that a line may have beside time, level and event.
enum class Key {
  kService,
  kMethod,
  kCode,
  kReason,
  kLatencyMs,
  kCallId,
  kTraceId,
  kSpanId,
  kParentSpanId,
  kRequestId,
  kClinic,
  kCaller,
  kSlow,
  kStatement,
  kAddress,
  kPath,
  kVersion,
  kCount,
  kDetail,
};

// A value of one key. `kDetail` takes a sentence of the program's own, never a request's content.
struct Field {
  Field(Key key, absl::string_view text) : key(key), text(text) {}
  Field(Key key, const std::string& text) : key(key), text(text) {}
  Field(Key key, const char* text) : key(key), text(text) {}
  Field(Key key, int64_t number) : key(key), number(number), is_number(true) {}
  Field(Key key, int number) : key(key), number(number), is_number(true) {}
  Field(Key key, bool flag) : key(key), number(flag ? 1 : 0), is_flag(true) {}
  Field(Key key, double number) : key(key), real(number), is_real(true) {}

  Key key;
  absl::string_view text;
  int64_t number = 0;
  double real = 0;
  bool is_number = false;
  bool is_flag = false;
  bool is_real = false;
};

// REQUIRES: called once, before any thread logs. Lines below `least` are dropped.
void Init(Level least);
// Writes what is queued and stops the writer; call last.
void Shutdown();

bool IsOn(Level level);

// `event` is a short snake_case word: "call", "start", "slow_sql". The trace that the thread works
// for (TraceScope) is added.
void Line(Level level, absl::string_view event, std::initializer_list<Field> fields);

// The line that Line() would write, without its end; for tests.
std::string Format(Level level, absl::string_view event, std::initializer_list<Field> fields,
                   int64_t unix_micros);

}  // namespace ipt::log
