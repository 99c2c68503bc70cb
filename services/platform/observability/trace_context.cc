#include "platform/observability/trace_context.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>

#include "absl/strings/str_cat.h"

namespace ipt {
namespace {

constexpr size_t kVersion = 2, kTrace = 32, kSpan = 16, kFlags = 2;
constexpr size_t kLength = kVersion + 1 + kTrace + 1 + kSpan + 1 + kFlags;
constexpr size_t kLongestState = 512;

thread_local const TraceContext* current = nullptr;

int Digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return -1;
}

bool IsHex(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return Digit(c) >= 0; });
}

bool IsId(absl::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != absl::string_view::npos;
}

bool IsPrintable(absl::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c <= 0x7e; });
}

// Tells spans of one trace apart; nobody need be unable to guess it.
std::string NewSpanId() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  uint64_t number = generator();
  if (number == 0) number = 1;
  return absl::StrCat(absl::Hex(number, absl::kZeroPad16));
}

}  // namespace

std::optional<TraceContext> ReadTraceContext(absl::string_view traceparent,
                                             absl::string_view tracestate) {
  if (traceparent.size() < kLength) return std::nullopt;
  const absl::string_view version = traceparent.substr(0, kVersion);
  const absl::string_view trace = traceparent.substr(kVersion + 1, kTrace);
  const absl::string_view span = traceparent.substr(kVersion + 1 + kTrace + 1, kSpan);
  const absl::string_view flags = traceparent.substr(kLength - kFlags, kFlags);
  for (const size_t dash : {kVersion, kVersion + 1 + kTrace, kLength - kFlags - 1}) {
    if (traceparent[dash] != '-') return std::nullopt;
  }
  if (!IsHex(version) || version == "ff" || !IsId(trace) || !IsId(span) || !IsHex(flags)) {
    return std::nullopt;
  }
  // A later version may say more, after another dash.
  if (traceparent.size() > kLength && (version == "00" || traceparent[kLength] != '-')) {
    return std::nullopt;
  }
  TraceContext read{std::string(trace), std::string(span), NewSpanId(), Digit(flags[1]) % 2 == 1,
                    ""};
  if (tracestate.size() <= kLongestState && IsPrintable(tracestate)) {
    read.state = std::string(tracestate);
  }
  return read;
}

std::string TraceParent(const TraceContext& trace) {
  return absl::StrCat("00-", trace.trace_id, "-", trace.span_id, trace.sampled ? "-01" : "-00");
}

TraceScope::TraceScope(const TraceContext* trace) : before_(current) { current = trace; }
TraceScope::~TraceScope() { current = before_; }
const TraceContext* TraceScope::Current() { return current; }
std::optional<TraceContext> TraceScope::Copy() {
  return current == nullptr ? std::nullopt : std::make_optional(*current);
}

}  // namespace ipt
