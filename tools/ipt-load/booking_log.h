// The file in which a fight writes down what the server acknowledged, for `verify` to hold against
// the store: a line an event, fields separated by spaces, instants in microseconds.
//
//   clinic clinics/fight
//   slot clinics/fight/therapists/ana 1767600000000000
//   booked clinics/fight/courses/c/sessions/s clinics/fight/therapists/ana 1767600000000000
//   moved clinics/fight/courses/c/sessions/s clinics/fight/therapists/ana 1767603600000000
//   cancelled clinics/fight/courses/c/sessions/s
//
// Writer: thread-safe. A line is handed to the system before its writer goes on, so that it
// survives this process, though not the machine.
#pragma once

#include <fstream>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace ipt::load {

// A therapist's name and a start in microseconds.
using SlotKey = std::pair<std::string, int64_t>;

class BookingLog {
 public:
  static absl::StatusOr<std::unique_ptr<BookingLog>> Create(const std::string& path);

  void Write(const std::string& line);
  int64_t lines() const { return lines_; }

 private:
  std::mutex mutex_;
  std::ofstream file_;
  int64_t lines_ = 0;
};

// What a log adds up to.
struct Acknowledged {
  std::string clinic;
  std::set<SlotKey> slots;
  std::map<std::string, SlotKey> booked;  // by session, as last acknowledged
  std::set<std::string> cancelled;
  int64_t bookings = 0;
  std::vector<std::string> twice;  // sessions acknowledged as new more than once
};
absl::StatusOr<Acknowledged> ReadBookingLog(const std::string& path);

}  // namespace ipt::load
