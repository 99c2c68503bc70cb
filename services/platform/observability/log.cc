#include "platform/observability/log.h"

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <limits>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/time.h"
#include "platform/observability/line_writer.h"
#include "platform/observability/trace_context.h"

namespace ipt::log {
namespace {

std::unique_ptr<LineWriter>& Writer() {
  static auto* const writer = new std::unique_ptr<LineWriter>();
  return *writer;
}
std::atomic<int> least_level{static_cast<int>(Level::kInfo)};

const char* NameOf(Level level) {
  switch (level) {
    case Level::kDebug:
      return "debug";
    case Level::kInfo:
      return "info";
    case Level::kWarning:
      return "warning";
    case Level::kError:
      return "error";
  }
  return "error";
}

const char* NameOf(Key key) {
  switch (key) {
    case Key::kService:
      return "service";
    case Key::kMethod:
      return "method";
    case Key::kCode:
      return "code";
    case Key::kReason:
      return "reason";
    case Key::kLatencyMs:
      return "latency_ms";
    case Key::kCallId:
      return "call_id";
    case Key::kTraceId:
      return "trace_id";
    case Key::kSpanId:
      return "span_id";
    case Key::kParentSpanId:
      return "parent_span_id";
    case Key::kRequestId:
      return "request_id";
    case Key::kClinic:
      return "clinic";
    case Key::kCaller:
      return "caller";
    case Key::kSlow:
      return "slow";
    case Key::kStatement:
      return "statement";
    case Key::kAddress:
      return "address";
    case Key::kPath:
      return "path";
    case Key::kVersion:
      return "version";
    case Key::kCount:
      return "count";
    case Key::kDetail:
      return "detail";
  }
  return "unknown";
}

void AppendQuoted(std::string& out, absl::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    const auto u = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (u < 0x20 || u == 0x7f) {
      absl::StrAppendFormat(&out, "\\u%04x", u);
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

int64_t NowMicros() {
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// "2026-11-22T20:00:00", formatted once a second and thread.
absl::string_view SecondOf(int64_t unix_seconds) {
  thread_local int64_t last = std::numeric_limits<int64_t>::min();
  thread_local std::string text;
  if (unix_seconds != last) {
    text = absl::FormatTime("%Y-%m-%dT%H:%M:%S", absl::FromUnixSeconds(unix_seconds),
                            absl::UTCTimeZone());
    last = unix_seconds;
  }
  return text;
}

}  // namespace

void Init(Level least) {
  least_level = static_cast<int>(least);
  Writer() = std::make_unique<LineWriter>(STDERR_FILENO, [](int64_t lost) {
    return Format(Level::kWarning, "log_lines_lost", {{Key::kCount, lost}}, NowMicros());
  });
}

void Shutdown() { Writer().reset(); }

bool IsOn(Level level) { return static_cast<int>(level) >= least_level.load(); }

std::string Format(Level level, absl::string_view event, std::initializer_list<Field> fields,
                   int64_t unix_micros) {
  std::string line = "{\"time\":\"";
  line.reserve(320);
  absl::StrAppend(&line, SecondOf(unix_micros / 1'000'000), ".",
                  absl::Dec(unix_micros % 1'000'000, absl::kZeroPad6), "Z\",\"level\":\"",
                  NameOf(level), "\",\"event\":");
  AppendQuoted(line, event);
  for (const Field& field : fields) {
    if (!field.is_number && !field.is_flag && !field.is_real && field.text.empty()) continue;
    absl::StrAppend(&line, ",\"", NameOf(field.key), "\":");
    if (field.is_number) {
      absl::StrAppend(&line, field.number);
    } else if (field.is_flag) {
      absl::StrAppend(&line, field.number != 0 ? "true" : "false");
    } else if (field.is_real) {
      absl::StrAppendFormat(&line, "%.3f", field.real);
    } else {
      AppendQuoted(line, field.text);
    }
  }
  if (const TraceContext* const trace = TraceScope::Current(); trace != nullptr) {
    absl::StrAppend(&line, ",\"", NameOf(Key::kTraceId), "\":\"", trace->trace_id, "\",\"",
                    NameOf(Key::kSpanId), "\":\"", trace->span_id, "\",\"",
                    NameOf(Key::kParentSpanId), "\":\"", trace->parent_id, "\"");
  }
  line.push_back('}');
  return line;
}

void Line(Level level, absl::string_view event, std::initializer_list<Field> fields) {
  if (!IsOn(level) || Writer() == nullptr) return;
  Writer()->Add(Format(level, event, fields, NowMicros()));
}

}  // namespace ipt::log
