#include "platform/audit/audit_handler.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::audit {
namespace {

using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;

// Keeps entries in memory, with the port's contract.
class MemoryAuditReader final : public AuditReader {
 public:
  absl::StatusOr<std::vector<AuditEntry>> List(const AuditFilter& filter,
                                               const std::optional<AuditCursor>& after, int limit,
                                               absl::Time) override {
    if (!failure.ok()) return failure;
    std::vector<AuditEntry> found;
    for (const AuditEntry& e : entries) {
      const AuditRecord& r = e.record;
      if (r.clinic_id != filter.clinic_id) continue;
      if (!filter.caller.empty() && r.caller != filter.caller) continue;
      if (!filter.resource.empty() && r.resource != filter.resource &&
          !absl::StartsWith(r.resource, absl::StrCat(filter.resource, "/"))) {
        continue;
      }
      if (filter.since.has_value() && r.time < *filter.since) continue;
      if (filter.until.has_value() && r.time >= *filter.until) continue;
      if (after.has_value() && Key(e) >= std::pair(after->time, after->entry_id)) continue;
      found.push_back(e);
    }
    std::sort(found.begin(), found.end(), [](auto& a, auto& b) { return Key(a) > Key(b); });
    if (found.size() > static_cast<size_t>(limit)) found.resize(limit);
    return found;
  }

  std::vector<AuditEntry> entries;
  absl::Status failure;

 private:
  static std::pair<absl::Time, std::string> Key(const AuditEntry& entry) {
    return {entry.record.time, entry.entry_id};
  }
};

class AuditHandlerTest : public ::testing::Test {
 protected:
  AuditHandlerTest() {
    ctx_.clinic_id = "north";
    request_.set_parent("clinics/north");
  }

  AuditEntry& Add(const std::string& id, int second, const std::string& resource) {
    AuditEntry entry;
    entry.entry_id = id;
    entry.record.clinic_id = "north";
    entry.record.caller = "ehr";
    entry.record.method = "/ipt.scheduling.v1.CourseService/GetCourse";
    entry.record.resource = resource;
    entry.record.time = absl::FromUnixSeconds(second);
    entry.record.last_time = entry.record.time;
    reader_.entries.push_back(entry);
    return reader_.entries.back();
  }
  absl::StatusOr<v1::ListAuditEntriesResponse> List() {
    return handler_.ListAuditEntries(ctx_, request_);
  }
  std::vector<std::string> Names() {
    const auto response = List();
    EXPECT_OK(response);
    std::vector<std::string> names;
    for (const auto& entry : response->audit_entries()) names.push_back(entry.name());
    return names;
  }

  MemoryAuditReader reader_;
  AuditHandler handler_{reader_};
  CallContext ctx_;
  v1::ListAuditEntriesRequest request_;
};

TEST_F(AuditHandlerTest, ShowsEveryFieldOfAnEntry) {
  AuditRecord& record = Add("7", 100, "clinics/north/courses/c").record;
  record.write = true;
  record.request_id = "6b1f3a52-6c3f-4f0e-9a57-0d8a7b1f6c11";
  record.outcome = "NOT_FOUND";
  record.count = 3;
  record.last_time = absl::FromUnixSeconds(101);
  ASSERT_OK_AND_ASSIGN(const auto response, List());
  ASSERT_EQ(response.audit_entries_size(), 1);
  const v1::AuditEntry& entry = response.audit_entries(0);
  EXPECT_EQ(entry.name(), "clinics/north/auditEntries/7");
  EXPECT_EQ(entry.time().seconds(), 100);
  EXPECT_EQ(entry.last_time().seconds(), 101);
  EXPECT_EQ(entry.caller(), "ehr");
  EXPECT_EQ(entry.method(), "/ipt.scheduling.v1.CourseService/GetCourse");
  EXPECT_EQ(entry.access(), common::v1::ACCESS_WRITE);
  EXPECT_EQ(entry.resource(), "clinics/north/courses/c");
  EXPECT_EQ(entry.request_id(), "6b1f3a52-6c3f-4f0e-9a57-0d8a7b1f6c11");
  EXPECT_EQ(entry.outcome(), "NOT_FOUND");
  EXPECT_EQ(entry.count(), 3);
  EXPECT_TRUE(response.next_page_token().empty());
}

TEST_F(AuditHandlerTest, PagesThroughEntriesOfOneInstantWithoutLossOrRepeat) {
  for (const char* id : {"a", "b", "c", "d", "e"}) Add(id, 100, "clinics/north");
  request_.set_page_size(2);
  std::vector<std::string> seen;
  do {
    ASSERT_OK_AND_ASSIGN(const auto response, List());
    EXPECT_LE(response.audit_entries_size(), 2);
    for (const auto& entry : response.audit_entries()) seen.push_back(entry.name().substr(27));
    request_.set_page_token(response.next_page_token());
    Add("z", 101, "clinics/north");  // newer than all pages to come
  } while (!request_.page_token().empty());
  EXPECT_EQ(seen, (std::vector<std::string>{"e", "d", "c", "b", "a"}));
}

TEST_F(AuditHandlerTest, FiltersByResourceCallerAndTime) {
  Add("1", 100, "clinics/north/courses/b");
  Add("2", 101, "clinics/north/courses/b/sessions/s");
  Add("3", 102, "clinics/north/courses/bb");
  Add("4", 103, "clinics/north/courses/b").record.caller = "portal";
  request_.set_resource("clinics/north/courses/b");
  EXPECT_EQ(Names().size(), 3u);
  request_.set_caller("ehr");
  EXPECT_EQ(Names(), (std::vector<std::string>{"clinics/north/auditEntries/2",
                                               "clinics/north/auditEntries/1"}));
  request_.mutable_end_time()->set_seconds(101);
  EXPECT_EQ(Names(), (std::vector<std::string>{"clinics/north/auditEntries/1"}));
  request_.clear_end_time();
  request_.mutable_start_time()->set_seconds(101);
  EXPECT_EQ(Names(), (std::vector<std::string>{"clinics/north/auditEntries/2"}));
}

TEST_F(AuditHandlerTest, NamesEveryBadField) {
  request_.set_resource("clinics/south/courses/b");
  request_.mutable_start_time()->set_seconds(200);
  request_.mutable_end_time()->set_seconds(200);
  EXPECT_THAT(List(), HasBadFields("resource", "end_time"));
  request_.clear_resource();
  request_.mutable_end_time()->set_nanos(-1);
  EXPECT_THAT(List(), HasBadFields("end_time"));
}

TEST_F(AuditHandlerTest, RefusesTheTokenOfAnotherList) {
  Add("1", 100, "clinics/north");
  Add("2", 101, "clinics/north");
  request_.set_page_size(1);
  ASSERT_OK_AND_ASSIGN(const auto response, List());
  request_.set_page_token(response.next_page_token());
  request_.set_caller("ehr");
  EXPECT_THAT(List(), HasBadFields("page_token"));
}

TEST_F(AuditHandlerTest, PassesOnWhatTheStoreSays) {
  reader_.failure = Unavailable(reason::kStoreUnavailable, "down", absl::Seconds(1));
  EXPECT_THAT(List(), StatusIs(absl::StatusCode::kUnavailable));
}

}  // namespace
}  // namespace ipt::audit
