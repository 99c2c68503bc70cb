#include "ipt-load/booking_log.h"

#include <sstream>

#include "absl/strings/str_cat.h"

namespace ipt::load {

absl::StatusOr<std::unique_ptr<BookingLog>> BookingLog::Create(const std::string& path) {
  auto log = std::make_unique<BookingLog>();
  log->file_.open(path, std::ios::trunc);
  if (!log->file_.is_open()) return absl::InvalidArgumentError(absl::StrCat("cannot write ", path));
  return log;
}

void BookingLog::Write(const std::string& line) {
  const std::lock_guard lock(mutex_);
  file_ << line << '\n';
  file_.flush();
  ++lines_;
}

absl::StatusOr<Acknowledged> ReadBookingLog(const std::string& path) {
  std::ifstream file(path);
  if (!file.is_open()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path));
  Acknowledged log;
  std::string line;
  for (int number = 1; std::getline(file, line); ++number) {
    std::istringstream words(line);
    std::string kind, name, therapist;
    int64_t start = 0;
    words >> kind >> name;
    if (kind == "slot") words >> start;
    if (kind == "booked" || kind == "moved") words >> therapist >> start;
    if (words.fail()) {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": not a line of a fight"));
    }
    if (kind == "clinic") {
      log.clinic = name;
    } else if (kind == "slot") {
      log.slots.emplace(name, start);
    } else if (kind == "booked") {
      ++log.bookings;
      if (log.cancelled.contains(name) ||
          !log.booked.emplace(name, SlotKey{therapist, start}).second) {
        log.twice.push_back(name);
      }
    } else if (kind == "moved") {
      log.booked[name] = {therapist, start};
    } else if (kind == "cancelled") {
      log.booked.erase(name);
      log.cancelled.insert(name);
    } else {
      return absl::InvalidArgumentError(absl::StrCat(path, ":", number, ": no such event: ", kind));
    }
  }
  if (log.clinic.empty())
    return absl::InvalidArgumentError(absl::StrCat(path, ": names no clinic"));
  return log;
}

}  // namespace ipt::load
