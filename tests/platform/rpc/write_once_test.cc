#include "platform/rpc/write_once.h"

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "ipt/scheduling/v1/clinic.pb.h"
#include "tests/support/status_matchers.h"

namespace ipt::rpc {
namespace {

using scheduling::v1::Clinic;

// Keeps answers in memory; what a body did is undone when it fails.
class FakeStore {
 public:
  class Log {
   public:
    explicit Log(FakeStore& store) : store_(store) {}
    absl::StatusOr<std::optional<std::string>> FindAnswer(const RequestKey& key,
                                                          const std::string&) {
      const auto it = store_.answers.find(key.request_id);
      if (it == store_.answers.end()) return std::nullopt;
      return it->second;
    }
    absl::Status KeepAnswer(const RequestKey& key, const std::string&, const std::string& answer,
                            absl::Time) {
      store_.answers[key.request_id] = answer;
      return absl::OkStatus();
    }
    absl::Status AppendAudit(const AuditRecord& record) {
      ++store_.audited;
      store_.resources.push_back(record.resource);
      return absl::OkStatus();
    }
    void NoteChanged(const std::string& resource) { changed_.insert(resource); }
    const std::set<std::string>& changed() const { return changed_; }

   private:
    FakeStore& store_;
    std::set<std::string> changed_;
  };
  struct Tx {
    Log& log() { return log_; }
    Log log_;
  };

  template <typename Body>
  absl::Status Write(absl::Time, Body&& body) {
    ++transactions;
    Tx tx{Log(*this)};
    return body(tx);
  }

  std::map<std::string, std::string> answers;
  int audited = 0;
  std::vector<std::string> resources;  // of the entries
  int transactions = 0;
};

class WriteOnceTest : public ::testing::Test {
 protected:
  WriteOnceTest() {
    ctx_.caller = std::make_shared<Caller>();
    ctx_.request_id = "r1";
  }

  static Clinic Named(const std::string& name) {
    Clinic clinic;
    clinic.set_name(name);
    return clinic;
  }

  absl::StatusOr<Clinic> Refused(const absl::Status& refusal) {
    return WriteOnce<Clinic>(store_, ctx_,
                             [&](auto&) -> absl::StatusOr<Clinic> { return refusal; });
  }

  CallContext ctx_;
  FakeStore store_;
};

TEST_F(WriteOnceTest, AnswersARepeatedRequestWithoutDoingItAgain) {
  int done = 0;
  for (int i = 0; i < 2; ++i) {
    const auto answer = WriteOnce<Clinic>(store_, ctx_, [&](auto&) -> absl::StatusOr<Clinic> {
      return Named(std::to_string(++done));
    });
    ASSERT_TRUE(answer.ok()) << answer.status();
    EXPECT_EQ(answer->name(), "1");
  }
  EXPECT_EQ(done, 1);
  EXPECT_EQ(store_.audited, 1);
}

TEST_F(WriteOnceTest, AuditsWhatElseItChangedUnlessTheEntryIsFoundFromThere) {
  const auto answer = WriteOnce<Clinic>(store_, ctx_, [&](auto& tx) -> absl::StatusOr<Clinic> {
    for (const char* changed : {"clinics/a/courses/c/sessions/t", "clinics/a/courses/c/sessions/s",
                                "clinics/a/courses/c", "clinics/a/courses/cc", "clinics/b"}) {
      tx.log().NoteChanged(changed);
    }
    return Named("clinics/a/courses/c/sessions/s");
  });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_THAT(store_.resources, ::testing::ElementsAre("clinics/a/courses/c/sessions/s",
                                                       "clinics/a/courses/c/sessions/t",
                                                       "clinics/a/courses/cc", "clinics/b"));
}

TEST_F(WriteOnceTest, ARefusalKeepsNothing) {
  const absl::Status taken = FailedPrecondition("SLOT_TAKEN", "s", "taken");
  EXPECT_EQ(Refused(taken).status(), taken);
  EXPECT_TRUE(store_.answers.empty());
  EXPECT_EQ(store_.audited, 0);
  EXPECT_EQ(store_.transactions, 1);
}

TEST_F(WriteOnceTest, WhatItsClientGaveUpByItsTurnIsNotDone) {
  int done = 0;
  const auto act = [&](auto&) -> absl::StatusOr<Clinic> {
    ++done;
    return Named("clinic");
  };
  ctx_.abandoned = [] { return true; };
  EXPECT_TRUE(absl::IsCancelled(WriteOnce<Clinic>(store_, ctx_, act).status()));
  EXPECT_EQ(done, 0);
  EXPECT_TRUE(store_.answers.empty());
  ctx_.abandoned = [] { return false; };
  EXPECT_TRUE(WriteOnce<Clinic>(store_, ctx_, act).ok());
  EXPECT_EQ(done, 1);
}

TEST_F(WriteOnceTest, AValidationKeepsNothingAndLooksForNothing) {
  ctx_.validate_only = true;
  store_.answers["r1"] = Named("first").SerializeAsString();
  EXPECT_FALSE(Refused(FailedPrecondition("SLOT_TAKEN", "s", "taken")).ok());
  const auto answer = WriteOnce<Clinic>(
      store_, ctx_, [&](auto&) -> absl::StatusOr<Clinic> { return Named("would be"); });
  ASSERT_TRUE(answer.ok()) << answer.status();
  EXPECT_EQ(answer->name(), "would be");
  EXPECT_EQ(store_.audited, 0);
}

}  // namespace
}  // namespace ipt::rpc
