// What tests of formulation's handlers share: a fresh store of either engine, a course in
// scheduling, and calls made as the adapter would make them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "course_copies/domain/course_copies.h"
#include "course_copies/storage/course_copies_migrations.h"
#include "formulation/rpc/event_proto.h"
#include "formulation/storage/formulation_migrations.h"
#include "formulation/storage/sql_formulation_store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "platform/ids/ids.h"
#include "platform/rpc/content_hash.h"
#include "platform/storage/platform_migrations.h"
#include "platform/transaction/call_context.h"
#include "tests/formulation/courses.h"
#include "tests/support/status_matchers.h"
#include "tests/support/store_look.h"
#include "tests/support/temp_database.h"

namespace ipt::formulation {

inline constexpr char kCourse[] = "clinics/north/courses/k1";
inline constexpr auto kAborted = absl::StatusCode::kAborted;
inline constexpr auto kAbsent = absl::StatusCode::kNotFound;

// What scheduling would say of a course.
class FixedDirectory final : public courses::CourseDirectory {
 public:
  absl::StatusOr<courses::CourseAnswer> FindCourse(absl::string_view, absl::string_view,
                                                   const courses::CourseDemand& demand, absl::Time,
                                                   absl::Time) override {
    const bool asks = demand.max_age == absl::ZeroDuration();
    return asks && when_asked.has_value() ? *when_asked : answer;
  }
  courses::CourseAnswer answer;
  // Where it has changed since: what scheduling says if it is asked now.
  std::optional<courses::CourseAnswer> when_asked;
};

// The course k1 of the clinic north is an IPT-UK of 16 sessions, s1 to s8 of them attended and s9
// booked; now is the day after s8.
class HandlerTest : public ::testing::TestWithParam<storage::Dialect> {
 protected:
  using Known = courses::CourseAnswer::Known;

  HandlerTest() {
    auto caller = std::make_shared<Caller>();
    caller->subject = "tester";
    caller->clinics = {"north", "south"};
    caller_ = std::move(caller);
    courses_.answer = {
        .known = Known::kVerified, .course = CourseOf("ipt-uk-16", 8), .as_of = now_};
  }

  CallContext ReadCall(std::string clinic = "north") {
    CallContext ctx;
    ctx.caller = caller_;
    ctx.method = "/test/Read";
    ctx.now = now_;
    ctx.clinic_id = std::move(clinic);
    ctx.resource = absl::StrCat("clinics/", ctx.clinic_id);
    return ctx;
  }
  // With a request_id of its own.
  template <typename Request>
  CallContext WriteCall(const Request& request, std::string clinic = "north") {
    CallContext ctx = ReadCall(std::move(clinic));
    ctx.method = Request::descriptor()->full_name();
    ctx.request_id = ids_.NewUuid();
    ctx.content_hash = rpc::ContentHash(request);
    if constexpr (requires { request.validate_only(); }) {
      ctx.validate_only = request.validate_only();
    }
    return ctx;
  }

  // Scheduling cannot be asked: its course is as it was an hour ago.
  void SchedulingIsAway() {
    courses_.answer.known = Known::kNotVerified;
    courses_.answer.as_of = now_ - absl::Hours(1);
    courses_.answer.why = absl::UnavailableError("scheduling is away");
  }
  // Scheduling cannot be asked, and nothing is known of the course.
  void NothingIsKnown() {
    courses_.answer = {.known = Known::kNotVerified,
                       .why = absl::UnavailableError("scheduling is away")};
  }
  // Scheduling says that there is no such course.
  void CourseIsAbsent() { courses_.answer = {.known = Known::kAbsent}; }

  // Kinds of the events written since the last call, in order.
  std::vector<std::string> NewEvents() { return ipt::testing::NewEvents(*db_, seen_); }
  int64_t Count(const std::string& table) { return ipt::testing::CountRows(*db_, table); }

  absl::Time now_ = At(DayOfSession(8) + 1) + absl::Milliseconds(250);
  std::shared_ptr<const Caller> caller_;
  RandomIdSource ids_;
  const ProtocolSet& protocols_ = ShippedSet();
  FixedDirectory courses_;
  ProtoEventEncoder encoder_;
  ipt::testing::TempDatabase db_{
      GetParam(),
      {storage::PlatformMigrations(), courses::CourseCopiesMigrations(), FormulationMigrations()}};
  SqlFormulationStore store_{*db_, encoder_};

 private:
  int64_t seen_ = 0;
};

}  // namespace ipt::formulation
