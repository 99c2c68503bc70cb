#include "iptctl/import_measurements.h"

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/time/clock.h"
#include "ipt/outcomes/v1/measurement_bulk_service.pb.h"
#include "iptctl/error_output.h"
#include "iptctl/file_output.h"
#include "iptctl/follow_stream.h"
#include "iptctl/import_state.h"
#include "iptctl/row_file.h"
#include "platform/errors/status_macros.h"
#include "platform/text/csv.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;

constexpr int kRowsAMessage = 200;
constexpr size_t kBytesAMessage = 512 << 10;
constexpr absl::Duration kDrawEvery = absl::Milliseconds(100);

// Rows that failed, as CSV: a line a field. The file is there once one has.
class ErrorFile {
 public:
  explicit ErrorFile(std::string path) : path_(std::move(path)) {}

  // The server has answered: all errors are told anew, and those of a run before are let go.
  absl::Status Begin() {
    if (begun_) return absl::OkStatus();
    begun_ = true;
    std::error_code failed;
    if (std::filesystem::is_regular_file(path_, failed)) std::filesystem::remove(path_, failed);
    return std::filesystem::is_regular_file(path_, failed) ? CannotWrite() : absl::OkStatus();
  }

  // Rows come in order; one that was written is passed over.
  absl::Status Add(const o::ImportRowError& error, const std::string* of_the_line) {
    if (error.row() <= last_row_) return absl::OkStatus();
    last_row_ = error.row();
    if (!file_.is_open()) {
      if (!MakePrivateFile(path_).ok()) return CannotWrite();
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
    return file_ ? absl::OkStatus() : CannotWrite();
  }

  // All that failed up to it were told.
  int64_t last_row() const { return last_row_; }
  const std::string& path() const { return path_; }

 private:
  absl::Status CannotWrite() const {
    return absl::InvalidArgumentError(absl::StrCat("--errors: cannot write ", path_));
  }
  void Line(const o::ImportRowError& error, const std::string& field, const std::string& message) {
    file_ << error.row() << "," << CsvCell(field) << "," << CsvCell(error.reason()) << ","
          << GuardedCsvCell(message) << "\r\n";
  }

  const std::string path_;
  std::ofstream file_;
  bool begun_ = false;
  int64_t last_row_ = 0;
};

bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code failed;
  if (std::filesystem::equivalent(a, b, failed)) return true;
  const auto whole = [](const std::string& path) {
    std::error_code ignored;
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, ignored), ignored);
  };
  return whole(a) == whole(b);
}

// Streams until all is dealt with. Rows are read and sent on one thread, answers taken on another.
class ImportRun {
 public:
  ImportRun(const o::ImportOpen& open, const std::string& path, RowFile file, ErrorFile& errors,
            const ImportState& state, Session& session)
      : errors_(errors), state_(state), session_(session), file_(std::move(file)) {
    *open_.mutable_open() = open;
    std::error_code failed;
    const auto size = std::filesystem::file_size(path, failed);
    size_ = failed ? 0 : static_cast<int64_t>(size);
  }

  StreamRun Stream(const MethodDescriptor& method, Connection& server) {
    opened_ = answered_ = gone_ = false;
    sent_to_ = 0;
    StreamRun run;
    run.status = server.Converse(
        method, [this] { return Next(); }, [this](const std::string& bytes) { OnResponse(bytes); },
        [this] { OnGone(); });
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
  bool sent_rows() const { return sent_rows_; }
  bool was_complete() const { return was_complete_; }

 private:
  absl::StatusOr<std::optional<std::string>> Next() {
    std::unique_lock<std::mutex> lock(mutex_);
    if (!opened_) {
      opened_ = true;
      return open_.SerializeAsString();
    }
    changed_.wait(lock, [this] { return answered_ || gone_; });
    IPT_RETURN_IF_ERROR(failed_);
    if (gone_) return std::optional<std::string>();
    if (was_complete_) {
      o::ImportRow row;
      const absl::StatusOr<bool> more = file_.Read(row);
      if (!more.ok()) return failed_ = more.status();
      if (!*more) return std::optional<std::string>();
      return failed_ = absl::InvalidArgumentError(
                 "the import is complete, and the file has more rows: bring them in by another id");
    }
    o::ImportMeasurementsRequest message;
    size_t bytes = 0;
    int64_t sent_to = sent_to_;
    while (message.rows().rows_size() < kRowsAMessage && bytes < kBytesAMessage) {
      o::ImportRow row;
      const absl::StatusOr<bool> more = file_.Read(row);
      if (!more.ok()) return Fail(more.status(), lock);
      if (!*more) break;
      sent_to = row.row();
      bytes += row.ByteSizeLong();
      *message.mutable_rows()->add_rows() = std::move(row);
    }
    if (!message.has_rows()) return std::optional<std::string>();
    sent_rows_ = true;
    sent_to_ = sent_to;
    return message.SerializeAsString();
  }

  // The file cannot be read on. What was sent before is dealt with first, so that it is known, and
  // kept, how far the import has come.
  absl::Status Fail(const absl::Status& status, std::unique_lock<std::mutex>& lock) {
    changed_.wait(lock,
                  [this] { return gone_ || !failed_.ok() || progress_.next_row() > sent_to_; });
    failed_.Update(status);
    return failed_;
  }

  void OnResponse(const std::string& bytes) {
    o::ImportMeasurementsResponse response;
    if (!response.ParseFromString(bytes)) return;
    const std::unique_lock<std::mutex> lock(mutex_);
    progress_ = response.progress();
    if (!answered_) {
      was_complete_ = progress_.complete();
      failed_.Update(file_.OpenAt(progress_.next_row()));
      if (failed_.ok()) failed_ = errors_.Begin();
    }
    if (failed_.ok()) {
      for (const o::ImportRowError& error : response.errors()) {
        failed_.Update(errors_.Add(error, file_.WhyNot(error.row())));
      }
      const int64_t dealt_with = progress_.next_row() - 1;
      state_.Keep(file_.MarkAt(dealt_with));
      file_.Forget(dealt_with, errors_.last_row());
    }
    answered_ = true;
    changed_.notify_all();
    Draw(file_.offset());
  }

  void OnGone() {
    const std::unique_lock<std::mutex> lock(mutex_);
    gone_ = true;
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

  ErrorFile& errors_;
  const ImportState& state_;
  Session& session_;
  int64_t size_ = 0;
  o::ImportMeasurementsRequest open_;

  std::mutex mutex_;
  std::condition_variable changed_;
  RowFile file_;
  o::MeasurementImport progress_;
  absl::Status failed_;  // of the machine's: the file, or a place to write errors
  bool sent_rows_ = false;
  // Of the present stream: its first message is sent, its first response is here (and the import
  // was complete before), it will have no more of them.
  bool opened_ = false;
  bool answered_ = false;
  bool was_complete_ = false;
  bool gone_ = false;
  int64_t sent_to_ = 0;  // the last row that it took
  absl::Time drawn_ = absl::InfinitePast();
  int width_ = 0;
};

}  // namespace

int ImportMeasurements(const MethodDescriptor& method, const Message& request,
                       const std::string& path, Session& session) {
  o::ImportMeasurementsRequest asked;
  asked.ParseFromString(request.SerializeAsString());
  if (!asked.has_open()) return session.UsageError("rows come from the file");
  if (path.empty()) return session.UsageError("FILE is missing");
  o::ImportOpen& open = *asked.mutable_open();

  ImportState state(path);
  const std::string errors_path = session.settings.Get("errors");
  ErrorFile errors(errors_path.empty() ? path + ".errors.csv" : errors_path);
  for (const std::string& other : {path, state.path()}) {
    if (IsSameFile(errors.path(), other)) {
      return session.UsageError(absl::StrCat("--errors: would be written over ", other));
    }
  }
  // The heading first: a file of another kind begins no import.
  const TimeContext time = session.values().time;
  RowFile heading(path, open.parent(), time);
  if (const absl::Status wrong = heading.OpenAt(1); !wrong.ok()) {
    return session.UsageError(absl::StrCat(path, ": ", absl::string_view(wrong.message())));
  }
  // What only checks is begun anew.
  const absl::StatusOr<std::string> id = state.Find(
      open.import_id(), session.settings.Has("resume"), !open.validate_only(), session.env.ids);
  if (!id.ok()) return session.UsageError(absl::string_view(id.status().message()));
  open.set_import_id(*id);
  ImportRun run(open, path, RowFile(path, open.parent(), time, state.mark()), errors, state,
                session);
  const int exit =
      KeepStreamOpen(session, [&](Connection& server) { return run.Stream(method, server); });
  if (exit != 0) {
    if (run.was_complete()) return exit;
    session.env.err << "note: "
                    << (run.progress().next_row() > 1 ? run.progress().next_row() - 1 : 0)
                    << " rows are dealt with; go on by "
                    << (open.validate_only() ? "" : "--resume, or ") << "--import-id " << *id
                    << "\n";
    return exit;
  }
  state.Done();
  session.Print(run.progress());
  if (!run.sent_rows() && run.was_complete()) {
    session.env.err << "note: the import was complete already; nothing was sent\n";
  }
  if (run.progress().failed_rows() == 0) return 0;
  session.env.err << "note: " << run.progress().failed_rows() << " rows failed; why is in "
                  << errors.path() << "\n";
  return ExitCodeOf(grpc::StatusCode::INVALID_ARGUMENT);
}

}  // namespace ipt::ctl
