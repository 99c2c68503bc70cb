#include "iptctl/import_measurements.h"

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "ipt/outcomes/v1/measurement_bulk_service.pb.h"
#include "iptctl/csv.h"
#include "iptctl/error_output.h"
#include "iptctl/follow_stream.h"
#include "iptctl/measurement_rows.h"
#include "platform/errors/status_macros.h"
#include "platform/text/utf8.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;

constexpr int kRowsAMessage = 200;
constexpr size_t kBytesAMessage = 512 << 10;
constexpr size_t kLongestName = 128;
constexpr absl::Duration kDrawEvery = absl::Milliseconds(100);

// Rows that failed, as CSV: a line a field. The file is there once one has.
class ErrorFile {
 public:
  explicit ErrorFile(std::string path) : path_(std::move(path)) {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);  // of a run before: all errors are told again
  }

  // Rows come in order; one that was written is passed over.
  absl::Status Add(const o::ImportRowError& error, const std::string* of_the_line) {
    if (error.row() <= last_row_) return absl::OkStatus();
    last_row_ = error.row();
    if (!file_.is_open()) {
      file_.open(path_, std::ios::binary | std::ios::trunc);
      file_ << "row,field,reason,message\r\n";
    }
    if (of_the_line != nullptr) {
      Line(error, "", *of_the_line);
    } else if (error.fields().empty()) {
      Line(error, "", error.message());
    }
    for (const o::ImportFieldError& field : error.fields()) {
      if (of_the_line == nullptr) Line(error, field.field(), field.description());
    }
    file_ << std::flush;
    return file_ ? absl::OkStatus()
                 : absl::InvalidArgumentError(absl::StrCat("--errors: cannot write ", path_));
  }

  const std::string& path() const { return path_; }

 private:
  void Line(const o::ImportRowError& error, const std::string& field, const std::string& message) {
    file_ << error.row() << "," << CsvCell(field) << "," << CsvCell(error.reason()) << ","
          << GuardedCsvCell(message) << "\r\n";
  }

  const std::string path_;
  std::ofstream file_;
  int64_t last_row_ = 0;
};

// The file, from one row on.
class RowFile {
 public:
  RowFile(std::string path, std::string clinic, TimeContext time)
      : path_(std::move(path)), clinic_(std::move(clinic)), time_(std::move(time)) {}

  // Rows before it are passed over; what of them could not be read is known afterwards.
  absl::Status OpenAt(int64_t row) {
    in_ = std::ifstream(path_, std::ios::binary);
    if (!in_) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path_));
    csv_.emplace(in_);
    rows_.reset();
    next_ = 1;
    unreadable_.clear();
    IPT_ASSIGN_OR_RETURN(const bool any, csv_->Next(cells_));
    if (!any) return absl::InvalidArgumentError("the file is empty: it begins with a heading");
    IPT_ASSIGN_OR_RETURN(MeasurementRows rows, MeasurementRows::Open(cells_, clinic_, time_));
    rows_.emplace(std::move(rows));
    while (next_ < row) {
      o::ImportRow passed;
      IPT_ASSIGN_OR_RETURN(const bool more, Read(passed));
      if (!more) {
        return absl::InvalidArgumentError("the file has fewer rows than were brought in of it");
      }
    }
    return absl::OkStatus();
  }

  // False at the end. A line that is no row is sent as an empty one, which the server refuses in
  // its place.
  absl::StatusOr<bool> Read(o::ImportRow& row) {
    IPT_ASSIGN_OR_RETURN(const bool more, csv_->Next(cells_));
    if (in_.bad()) return absl::InvalidArgumentError(absl::StrCat("cannot read ", path_));
    if (!more) return false;
    absl::Status status;
    for (const std::string& cell : cells_) {
      if (!IsUtf8(cell)) status = absl::InvalidArgumentError("the line is not valid UTF-8");
    }
    if (status.ok()) status = rows_->Read(cells_, row);
    if (!status.ok()) {
      row.Clear();
      unreadable_[next_] = std::string(status.message());
    }
    row.set_row(next_++);
    return true;
  }

  // Why a line was no row; nullptr: it was one.
  const std::string* WhyNot(int64_t row) const {
    const auto found = unreadable_.find(row);
    return found == unreadable_.end() ? nullptr : &found->second;
  }

  int64_t offset() const { return csv_.has_value() ? csv_->offset() : 0; }

 private:
  const std::string path_;
  const std::string clinic_;
  const TimeContext time_;
  std::ifstream in_;
  std::optional<CsvReader> csv_;
  std::optional<MeasurementRows> rows_;
  std::vector<std::string> cells_;
  int64_t next_ = 1;
  std::map<int64_t, std::string> unreadable_;
};

// Streams until all is dealt with. Rows are read and sent on one thread, answers taken on another.
class ImportRun {
 public:
  ImportRun(const o::ImportOpen& open, std::string path, ErrorFile& errors, Session& session)
      : path_(std::move(path)),
        errors_(errors),
        session_(session),
        file_(path_, open.parent(), session.values().time) {
    *open_.mutable_open() = open;
    std::error_code failed;
    const auto size = std::filesystem::file_size(path_, failed);
    size_ = failed ? 0 : static_cast<int64_t>(size);
  }

  StreamRun Stream(const MethodDescriptor& method, Connection& server) {
    opened_ = told_ = over_ = answered_ = false;
    StreamRun run;
    run.status = server.Converse(
        method, [this] { return Next(); }, [this](const std::string& bytes) { OnResponse(bytes); },
        [this] { OnOver(); });
    run.answered = answered_;
    Clear();
    if (!failed_.ok()) {
      run.exit = session_.UsageError(absl::string_view(failed_.message()));
    } else if (run.status.ok() && progress_.complete()) {
      run.exit = 0;
    }
    return run;
  }

  const o::MeasurementImport& progress() const { return progress_; }

 private:
  absl::StatusOr<std::optional<std::string>> Next() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!opened_) {
      opened_ = true;
      return open_.SerializeAsString();
    }
    changed_.wait(lock, [this] { return told_ || over_; });
    IPT_RETURN_IF_ERROR(failed_);
    if (over_ || complete_) return std::optional<std::string>();
    o::ImportMeasurementsRequest message;
    size_t bytes = 0;
    while (message.rows().rows_size() < kRowsAMessage && bytes < kBytesAMessage) {
      o::ImportRow row;
      const absl::StatusOr<bool> more = file_.Read(row);
      if (!more.ok()) return failed_ = more.status();
      if (!*more) break;
      bytes += row.ByteSizeLong();
      *message.mutable_rows()->add_rows() = std::move(row);
    }
    if (!message.has_rows()) return std::optional<std::string>();
    return message.SerializeAsString();
  }

  void OnResponse(const std::string& bytes) {
    o::ImportMeasurementsResponse response;
    if (!response.ParseFromString(bytes)) return;
    const std::unique_lock<std::mutex> lock(mutex_);
    answered_ = true;
    progress_ = response.progress();
    if (!told_) {
      complete_ = progress_.complete();
      failed_.Update(file_.OpenAt(progress_.next_row()));
    }
    for (const o::ImportRowError& error : response.errors()) {
      failed_.Update(errors_.Add(error, file_.WhyNot(error.row())));
    }
    told_ = true;
    changed_.notify_all();
    Draw(file_.offset());
  }

  void OnOver() {
    const std::unique_lock<std::mutex> lock(mutex_);
    over_ = true;
    changed_.notify_all();
  }

  // How much of the file was sent, which is little more than is dealt with.
  void Draw(int64_t sent) {
    if (!session_.env.out_is_terminal || session_.settings.json_output) return;
    const absl::Time now = absl::Now();
    if (now - drawn_ < kDrawEvery) return;
    drawn_ = now;
    constexpr int kWidth = 30;
    const int filled = size_ == 0 ? kWidth : static_cast<int>(kWidth * sent / size_);
    const std::string line =
        absl::StrFormat("[%s%s] %3d %%  %d rows, %d failed, %d alerts", std::string(filled, '#'),
                        std::string(kWidth - filled, '.'), 100 * filled / kWidth,
                        progress_.next_row() - 1, progress_.failed_rows(), progress_.alerts());
    session_.env.err << "\r" << PadRight(line, width_) << std::flush;
    width_ = static_cast<int>(line.size());
  }

  void Clear() {
    if (width_ > 0) session_.env.err << "\r" << std::string(width_, ' ') << "\r" << std::flush;
    width_ = 0;
    drawn_ = absl::InfinitePast();
  }

  const std::string path_;
  ErrorFile& errors_;
  Session& session_;
  int64_t size_ = 0;
  o::ImportMeasurementsRequest open_;

  std::mutex mutex_;
  std::condition_variable changed_;
  RowFile file_;
  o::MeasurementImport progress_;
  absl::Status failed_;    // of the machine's: the file, or a place to write errors
  bool opened_ = false;    // the stream's first message is sent
  bool told_ = false;      // its first response is here
  bool complete_ = false;  // the import was, before this stream
  bool over_ = false;
  bool answered_ = false;
  absl::Time drawn_ = absl::InfinitePast();
  int width_ = 0;
};

// Which import it is: a new one, whose id is kept beside the file until it is complete, or the one
// that broke off.
class ImportId {
 public:
  ImportId(const std::string& path, bool kept) : path_(path + ".import"), kept_(kept) {}

  absl::Status Find(bool resume, IdSource& ids, o::ImportOpen& open) {
    if (!open.import_id().empty()) return absl::OkStatus();
    std::ifstream in(path_);
    std::string id;
    const bool is_there = static_cast<bool>(in >> id);
    if (resume) {
      if (!is_there) {
        return absl::InvalidArgumentError(
            absl::StrCat("--resume: there is no ", path_,
                         " of an import that broke off; --import-id names one"));
      }
      open.set_import_id(id);
      return absl::OkStatus();
    }
    if (kept_ && is_there) {
      return absl::InvalidArgumentError(
          absl::StrCat("an import of this file broke off: go on with it by --resume, or remove ",
                       path_, " to begin another one"));
    }
    open.set_import_id(ids.NewUuid());
    if (!kept_) return absl::OkStatus();
    std::ofstream out(path_, std::ios::trunc);
    out << open.import_id() << "\n" << std::flush;
    if (out) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot write ", path_, ", which --resume needs; --import-id does without it"));
  }

  void Done() const {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }

 private:
  const std::string path_;
  const bool kept_;
};

}  // namespace

int ImportMeasurements(const MethodDescriptor& method, const Message& request, Session& session) {
  o::ImportMeasurementsRequest asked;
  asked.ParseFromString(request.SerializeAsString());
  if (!asked.has_open()) return session.UsageError("rows come from the file");
  o::ImportOpen& open = *asked.mutable_open();
  const std::string path = open.display_name();
  if (path.empty()) return session.UsageError("FILE is missing");
  open.set_display_name(std::filesystem::path(path).filename().string().substr(0, kLongestName));
  if (!IsUtf8(open.display_name())) open.clear_display_name();

  const std::string errors_path = session.settings.Get("errors");
  ErrorFile errors(errors_path.empty() ? path + ".errors.csv" : errors_path);
  // What only checks is begun anew.
  ImportId id(path, !open.validate_only());
  const bool resume = session.settings.Has("resume");
  // The heading first: a file of another kind begins no import.
  RowFile heading(path, open.parent(), session.values().time);
  if (const absl::Status wrong = heading.OpenAt(1); !wrong.ok()) {
    return session.UsageError(absl::StrCat(path, ": ", absl::string_view(wrong.message())));
  }
  if (const absl::Status wrong = id.Find(resume, session.env.ids, open); !wrong.ok()) {
    return session.UsageError(absl::string_view(wrong.message()));
  }
  ImportRun run(open, path, errors, session);
  const int exit =
      KeepStreamOpen(session, [&](Connection& server) { return run.Stream(method, server); });
  if (exit != 0) {
    session.env.err << "note: "
                    << (run.progress().next_row() > 1 ? run.progress().next_row() - 1 : 0)
                    << " rows are dealt with; go on by "
                    << (open.validate_only() ? "" : "--resume, or ") << "--import-id "
                    << open.import_id() << "\n";
    return exit;
  }
  id.Done();
  session.Print(run.progress());
  if (run.progress().failed_rows() == 0) return 0;
  session.env.err << "note: " << run.progress().failed_rows() << " rows failed; why is in "
                  << errors.path() << "\n";
  return ExitCodeOf(grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace ipt::ctl
