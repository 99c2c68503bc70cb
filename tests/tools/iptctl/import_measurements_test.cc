// `measurement import` against a server in this process: what it writes and removes beside the
// file, which file it goes on with, and what it tries again.
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "ipt/outcomes/v1/measurement_bulk_service.grpc.pb.h"
#include "iptctl/app.h"
#include "iptctl/error_output.h"
#include "platform/errors/error.h"
#include "platform/errors/grpc_status.h"
#include "tests/support/fake_clock.h"

namespace ipt::ctl {
namespace {

namespace o = outcomes::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

// Keeps imports as the service does: a row without a measurement fails.
class Imports final : public o::MeasurementBulkService::Service {
 public:
  using Stream =
      grpc::ServerReaderWriter<o::ImportMeasurementsResponse, o::ImportMeasurementsRequest>;

  grpc::Status ImportMeasurements(grpc::ServerContext* context, Stream* stream) override {
    std::lock_guard<std::mutex> lock(mutex_);
    const auto& metadata = context->client_metadata();
    const auto token = metadata.find("authorization");
    tokens.push_back(
        token == metadata.end() ? "" : std::string(token->second.data(), token->second.size()));
    o::ImportMeasurementsRequest message;
    stream->Read(&message);
    opened.push_back(message.open());
    if (const absl::Status status = Take(refuse); !status.ok()) return ToGrpcStatus(status, "s1");
    o::MeasurementImport& import = imports[message.open().import_id()];
    if (import.next_row() == 0) import.set_next_row(1);
    o::ImportMeasurementsResponse response;
    *response.mutable_progress() = import;
    for (const int64_t row : failed) response.add_errors()->set_row(row);
    stream->Write(response);
    if (const absl::Status status = Take(break_off); !status.ok()) {
      if (on_break) on_break();
      return ToGrpcStatus(status, "s1");
    }
    while (stream->Read(&message)) {
      response.Clear();
      for (const o::ImportRow& row : message.rows().rows()) {
        if (row.row() > stop_after) return ToGrpcStatus(Internal("stopped"), "s1");
        rows.push_back(row);
        import.set_next_row(row.row() + 1);
        if (row.has_measurement()) {
          import.set_recorded_rows(import.recorded_rows() + 1);
        } else {
          import.set_failed_rows(import.failed_rows() + 1);
          failed.insert(row.row());
          response.add_errors()->set_row(row.row());
        }
        *response.mutable_progress() = import;
        stream->Write(response);
        response.clear_errors();
      }
    }
    // Nothing more to read is the end of a stream that was cut off, too.
    for (int i = 0; i < 10 && !context->IsCancelled(); ++i) absl::SleepFor(absl::Milliseconds(5));
    if (context->IsCancelled()) return grpc::Status::CANCELLED;
    import.set_complete(true);
    *response.mutable_progress() = import;
    stream->Write(response);
    return grpc::Status::OK;
  }

  std::map<std::string, o::MeasurementImport> imports;
  std::vector<o::ImportRow> rows;
  std::vector<o::ImportOpen> opened;
  std::vector<std::string> tokens;
  std::set<int64_t> failed;
  std::deque<absl::Status> refuse;     // streams, instead of a first answer
  std::deque<absl::Status> break_off;  // streams, after it
  std::function<void()> on_break;
  int64_t stop_after = 1'000'000;

 private:
  static absl::Status Take(std::deque<absl::Status>& from) {
    if (from.empty()) return absl::OkStatus();
    const absl::Status status = from.front();
    from.pop_front();
    return status;
  }

  std::mutex mutex_;
};

struct Ended {
  int exit = 0;
  std::string out, err;
};

class ImportMeasurementsTest : public ::testing::Test {
 protected:
  ImportMeasurementsTest() {
    folder_ = (std::filesystem::temp_directory_path() / "ipt-import-XXXXXX").string();
    if (mkdtemp(folder_.data()) == nullptr) std::abort();
    file_ = folder_ + "/Brown_Ann.csv";
    grpc::ServerBuilder builder;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port_);
    builder.RegisterService(&imports_);
    server_ = builder.BuildAndStart();
  }
  ~ImportMeasurementsTest() override {
    server_->Shutdown();
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  Ended Import(const std::vector<std::string>& more = {}) {
    std::istringstream in;
    std::ostringstream out, err;
    RandomIdSource ids;
    Environment env{in, out, err, [](const std::string&) { return std::string(); }, clock_, ids};
    std::vector<std::string> args = {"measurement", "import", "clinics/north", file_};
    args.insert(args.end(), more.begin(), more.end());
    args.push_back(absl::StrCat("--server=127.0.0.1:", port_));
    const int exit = ctl::Run(args, env);
    return {exit, out.str(), err.str()};
  }
  // Rows `first` to `last`; a bad one has an answer too many.
  void WriteRows(int first, int last, const std::set<int>& bad = {}, const std::string& q1 = "1") {
    std::string text = "course,instrument,respondent,complete_time,item.q1\r\n";
    for (int i = first; i <= last; ++i) {
      absl::StrAppend(&text, "c", i, ",phq-2,self,2026-11-02T09:40Z,", q1,
                      bad.contains(i) ? ",1" : "", "\r\n");
    }
    Write(file_, text);
  }
  static void Write(const std::string& path, const std::string& text) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
  }
  static std::string Read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::string State() const { return file_ + ".import"; }
  std::string Errors() const { return file_ + ".errors.csv"; }
  static bool Exists(const std::string& path) { return std::filesystem::exists(path); }
  static mode_t ModeOf(const std::string& path) {
    struct stat status {};
    stat(path.c_str(), &status);
    return status.st_mode & 0777;
  }
  // Brings in rows 1 to `rows`, and breaks off.
  void BreakOffAfter(int64_t rows) {
    imports_.stop_after = rows;
    EXPECT_EQ(Import().exit, 7);
    imports_.stop_after = 1'000'000;
    ASSERT_TRUE(Exists(State()));
  }

  Imports imports_;
  std::string folder_, file_;
  int port_ = 0;
  testing::FakeClock clock_{absl::FromUnixSeconds(1788253200)};
  std::unique_ptr<grpc::Server> server_;
};

TEST_F(ImportMeasurementsTest, BringsInAFileAndLeavesNothingBesideIt) {
  WriteRows(1, 450);
  const Ended ended = Import();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(imports_.rows, SizeIs(450));
  EXPECT_FALSE(Exists(State()));
  EXPECT_FALSE(Exists(Errors()));
}

// A file's name may be a patient's.
TEST_F(ImportMeasurementsTest, TellsNoNameButTheOneThatIsStated) {
  WriteRows(1, 1);
  ASSERT_EQ(Import().exit, 0);
  EXPECT_EQ(imports_.opened.back().display_name(), "");
  ASSERT_EQ(Import({"--display-name", "forms of May"}).exit, 0);
  EXPECT_EQ(imports_.opened.back().display_name(), "forms of May");
}

TEST_F(ImportMeasurementsTest, WritesWhatFailedForItsOwnerAlone) {
  WriteRows(1, 5, {2, 4});
  Write(Errors(), "of a run before\n");
  chmod(Errors().c_str(), 0644);
  EXPECT_EQ(Import().exit, 2);
  EXPECT_THAT(Read(Errors()), HasSubstr("row,field,reason,message\r\n2,"));
  EXPECT_THAT(Read(Errors()), HasSubstr("\r\n4,,,\"the line has 6 cells"));
  EXPECT_EQ(ModeOf(Errors()), 0600u);
}

TEST_F(ImportMeasurementsTest, ErrorsGoOverNothingThatIsNeeded) {
  WriteRows(1, 5, {2});
  const std::string text = Read(file_);
  std::filesystem::create_hard_link(file_, folder_ + "/link.csv");
  for (const std::string& errors :
       {file_, State(), folder_ + "/./Brown_Ann.csv", folder_ + "/link.csv"}) {
    const Ended ended = Import({"--errors", errors});
    EXPECT_EQ(ended.exit, kExitUsage) << errors;
    EXPECT_THAT(ended.err, HasSubstr("--errors: would be written over"));
    EXPECT_EQ(Read(file_), text);
  }
  EXPECT_THAT(imports_.opened, IsEmpty());
}

TEST_F(ImportMeasurementsTest, ARunThatDoesNotBeginLeavesTheErrorsOfBefore) {
  Write(Errors(), "of a run before\n");
  Write(file_, "course,itme.q1\r\n");
  EXPECT_EQ(Import().exit, kExitUsage);
  WriteRows(1, 2);
  EXPECT_EQ(Import({"--resume"}).exit, kExitUsage);
  imports_.refuse = {PermissionDenied("SCOPE_MISSING", "no")};
  EXPECT_EQ(Import().exit, 5);
  EXPECT_EQ(Read(Errors()), "of a run before\n");
  EXPECT_EQ(Import({"--resume"}).exit, 0);
  EXPECT_FALSE(Exists(Errors()));
}

TEST_F(ImportMeasurementsTest, ACompleteImportTakesNoMoreRows) {
  const std::string id = "7d3c6a52-0b1f-4f3e-9a55-1f2f0c2d9e10";
  WriteRows(1, 3);
  ASSERT_EQ(Import({"--import-id", id}).exit, 0);
  const Ended again = Import({"--import-id", id});
  EXPECT_EQ(again.exit, 0);
  EXPECT_THAT(again.err, HasSubstr("complete already; nothing was sent"));
  WriteRows(1, 4);
  const Ended more = Import({"--import-id", id});
  EXPECT_EQ(more.exit, kExitUsage);
  EXPECT_THAT(more.err, HasSubstr("the import is complete, and the file has more rows"));
  EXPECT_THAT(more.err, Not(HasSubstr("go on by")));
  EXPECT_THAT(imports_.rows, SizeIs(3));
}

TEST_F(ImportMeasurementsTest, WhatBrokeOffIsItsOwnImportsAlone) {
  WriteRows(1, 20);
  BreakOffAfter(10);
  const std::string state = Read(State());
  EXPECT_EQ(Import({"--validate-only"}).exit, 0);
  EXPECT_EQ(Read(State()), state);
  EXPECT_EQ(Import({"--import-id", "7d3c6a52-0b1f-4f3e-9a55-1f2f0c2d9e10"}).exit, 0);
  EXPECT_EQ(Read(State()), state);
  const Ended refused = Import();
  EXPECT_EQ(refused.exit, kExitUsage);
  EXPECT_THAT(refused.err, HasSubstr("broke off"));
  imports_.rows.clear();
  EXPECT_EQ(Import({"--resume"}).exit, 0);
  ASSERT_THAT(imports_.rows, SizeIs(10));
  EXPECT_EQ(imports_.rows[0].row(), 11);
  EXPECT_FALSE(Exists(State()));
}

TEST_F(ImportMeasurementsTest, GoesOnWithTheSameFileOnly) {
  WriteRows(1, 20);
  BreakOffAfter(10);
  const std::string state = Read(State());
  // Another one, of as many rows.
  WriteRows(101, 120);
  const Ended other = Import({"--resume"});
  EXPECT_EQ(other.exit, kExitUsage);
  EXPECT_THAT(other.err, HasSubstr("the file is not what it was when the import broke off"));
  EXPECT_THAT(other.err, HasSubstr("up to row 10"));
  EXPECT_EQ(Read(State()), state);
  // By its id, too.
  const std::string id = state.substr(0, state.find(' '));
  EXPECT_EQ(Import({"--import-id", id}).exit, kExitUsage);
  EXPECT_THAT(imports_.rows, SizeIs(10));
  // What comes later may be mended, and lines may end otherwise.
  WriteRows(1, 25);
  std::string text = Read(file_);
  text.erase(std::remove(text.begin(), text.end(), '\r'), text.end());
  Write(file_, text);
  const Ended same = Import({"--resume"});
  EXPECT_EQ(same.exit, 0) << same.err;
  EXPECT_THAT(imports_.rows, SizeIs(25));
  EXPECT_FALSE(Exists(State()));
}

// What was sent before is waited for: how far it came is kept, and held against the file.
TEST_F(ImportMeasurementsTest, KnowsHowFarItCameInAFileThatCannotBeReadOn) {
  WriteRows(1, 240);
  const std::string text = Read(file_);
  Write(file_, text + "c241,\"phq-2\r\n");
  const Ended broken = Import();
  EXPECT_EQ(broken.exit, kExitUsage);
  EXPECT_THAT(broken.err, HasSubstr("line 242: the file ends within quotes"));
  EXPECT_THAT(broken.err, HasSubstr("note: 200 rows are dealt with"));
  EXPECT_THAT(imports_.rows, SizeIs(200));
  EXPECT_THAT(Read(State()), HasSubstr(" 200 "));
  WriteRows(101, 350);
  const Ended other = Import({"--resume"});
  EXPECT_EQ(other.exit, kExitUsage);
  EXPECT_THAT(other.err, HasSubstr("the file is not what it was"));
  WriteRows(1, 250);
  const Ended same = Import({"--resume"});
  EXPECT_EQ(same.exit, 0) << same.err;
  EXPECT_THAT(imports_.rows, SizeIs(250));
}

TEST_F(ImportMeasurementsTest, TellsWhatFailedBeforeItBrokeOff) {
  WriteRows(1, 20, {3, 15});
  BreakOffAfter(10);
  EXPECT_EQ(Import({"--resume"}).exit, 2);
  EXPECT_THAT(Read(Errors()), HasSubstr("\r\n3,,,\"the line has 6 cells"));
  EXPECT_THAT(Read(Errors()), HasSubstr("\r\n15,,,\"the line has 6 cells"));
}

TEST_F(ImportMeasurementsTest, TriesAgainWhatHeals) {
  WriteRows(1, 3);
  imports_.refuse = {Aborted("STORE_CONFLICT", "opened at the same time"),
                     DeadlineExceeded("too slow"), absl::OkStatus(), absl::OkStatus()};
  imports_.break_off = {Aborted("STORE_CONFLICT", "lost"), DeadlineExceeded("too slow")};
  const Ended ended = Import();
  EXPECT_EQ(ended.exit, 0) << ended.err;
  EXPECT_THAT(imports_.opened, SizeIs(5));
  EXPECT_THAT(imports_.rows, SizeIs(3));
}

TEST_F(ImportMeasurementsTest, GivesWayToWhoTookItOver) {
  WriteRows(1, 3);
  imports_.break_off = {Aborted("IMPORT_TAKEN_OVER", "another stream goes on")};
  const Ended ended = Import();
  EXPECT_EQ(ended.exit, kExitState);
  EXPECT_THAT(ended.err, HasSubstr("IMPORT_TAKEN_OVER"));
  EXPECT_THAT(imports_.opened, SizeIs(1));
}

TEST_F(ImportMeasurementsTest, ATokenThatExpiredHasASuccessorInItsFile) {
  WriteRows(1, 3);
  const std::string token = folder_ + "/token";
  Write(token, "first\n");
  imports_.break_off = {Unauthenticated("the token has expired")};
  imports_.on_break = [&] { Write(token, "second\n"); };
  EXPECT_EQ(Import({"--token-file", token}).exit, 0);
  EXPECT_THAT(imports_.tokens, ElementsAre("Bearer first", "Bearer second"));
  // One that was never good is none that heals.
  imports_.tokens.clear();
  imports_.refuse = {Unauthenticated("who?")};
  EXPECT_EQ(Import({"--token-file", token}).exit, 5);
  EXPECT_THAT(imports_.tokens, SizeIs(1));
}

}  // namespace
}  // namespace ipt::ctl
