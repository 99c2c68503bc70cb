#include "scheduling/rpc/delivery_handler.h"

#include "absl/strings/str_cat.h"
#include "platform/cache/memory_due_index.h"
#include "platform/cache/wake.h"
#include "scheduling/reminders/index_keeper.h"
#include "tests/scheduling/reminder_rows.h"
#include "tests/scheduling/rpc/handler_fixture.h"
#include "tests/support/fake_clock.h"

namespace ipt::scheduling {
namespace {

using ::ipt::testing::HasBadFields;
using ::ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class CountedWakes final : public rpc::StreamHandle {
 public:
  void Wake() override { ++wakes; }
  void End(const absl::Status&) override {}
  std::atomic<int> wakes{0};
};

// By the twin in memory, as the suite runs it.
class DeliveryHandlerTest : public HandlerTest {
 protected:
  void SetUp() override {
    ASSERT_OK(store_.Write(absl::InfiniteFuture(), [](SchedulingTx& tx) -> absl::Status {
      Clinic clinic;
      clinic.clinic_id = "north";
      clinic.time_zone = "Europe/London";
      IPT_RETURN_IF_ERROR(tx.InsertClinic(clinic, Now()));
      Therapist therapist;
      therapist.clinic_id = "north";
      therapist.therapist_id = "ann";
      therapist.time_zone = "Europe/London";
      return tx.InsertTherapist(therapist, Now());
    }));
    for (const char* patient : {"p1", "p2", "p3"}) AddCourse(patient, "ann", {});
    ASSERT_OK(keeper_.IndexOnce());
    queue_.Take("north", 1, false);
    ASSERT_OK(keeper_.IndexOnce());
    fallbacks_ = queue_metrics_.fallback_claims.Value();
  }

  void Sql(const std::string& sql) {
    ASSERT_OK(db_->Write({}, [&](storage::Connection& conn) { return conn.ExecuteScript(sql); }));
  }
  // Into the store and, as after a commit, into the index.
  void Add(const std::string& id, const std::string& patient, absl::Duration due, int channel = 1) {
    Sql(InsertReminder({.id = id, .course = "k" + patient, .due = due, .channel = channel}, start_,
                       "north", patient, "ann"));
    queue_.OnQueueChanged(
        {{.clinic_id = "north", .reminder_id = id, .generation = 1, .next = start_ + due}});
    queue_.Flush();
  }
  int64_t Count(const std::string& where) {
    int64_t count = -1;
    const std::string sql = "SELECT COUNT(*) FROM reminders WHERE " + where;
    EXPECT_OK(db_->Read({}, [&](storage::Connection& conn) {
      return conn.Query({sql, {storage::ColumnType::kInt64}}, {}, [&](const storage::Row& row) {
        count = row.Int64(0);
        return absl::OkStatus();
      });
    }));
    return count;
  }

  template <typename Request>
  CallContext Call(const Request& request) {
    CallContext ctx = WriteCall(request);
    ctx.now = clock_.Now();
    return ctx;
  }
  pb::LeaseRemindersRequest LeaseRequest(int most = 100) {
    pb::LeaseRemindersRequest request;
    request.set_clinic("clinics/north");
    request.set_max_reminders(most);
    return request;
  }
  absl::StatusOr<pb::LeaseRemindersResponse> Lease(int most = 100) {
    const auto request = LeaseRequest(most);
    return handler_.LeaseReminders(Call(request), request);
  }
  static std::vector<std::string> Names(const pb::LeaseRemindersResponse& response) {
    std::vector<std::string> names;
    for (const auto& leased : response.reminders()) names.push_back(leased.reminder().name());
    return names;
  }
  static pb::Completion Word(const pb::LeasedReminder& leased, pb::AttemptOutcome outcome) {
    pb::Completion completion;
    completion.set_reminder(leased.reminder().name());
    completion.set_lease_token(leased.lease_token());
    completion.set_outcome(outcome);
    return completion;
  }
  absl::StatusOr<pb::CompleteRemindersResponse> Complete(const pb::LeasedReminder& leased,
                                                         pb::AttemptOutcome outcome) {
    pb::CompleteRemindersRequest request;
    request.set_clinic("clinics/north");
    *request.add_completions() = Word(leased, outcome);
    return handler_.CompleteReminders(Call(request), request);
  }

  // Fills the index with what the store does not know, or makes room again.
  void FillIndex(bool fill) {
    std::vector<cache::DueEntry> ghosts;
    for (int i = 0; i < kIndexRoom; ++i) {
      ghosts.push_back({absl::StrCat("ghost", i), 1, start_ + absl::Hours(40)});
    }
    if (fill) {
      ASSERT_OK(index_.Upsert("north", ghosts));
    } else {
      ASSERT_OK(index_.Remove("north", ghosts));
    }
  }

  static constexpr int kIndexRoom = 100;
  // The store's deadlines are of the real clock.
  const absl::Time start_ = absl::FromUnixSeconds(absl::ToUnixSeconds(absl::Now()));
  double fallbacks_ = 0;
  ipt::testing::FakeClock clock_{start_};
  StoreClock store_clock_{clock_};
  cache::MemoryDueIndex index_{store_clock_, kIndexRoom};
  cache::LocalWake wake_;
  Metrics metrics_{"test", "1"};
  QueueMetrics queue_metrics_{metrics_};
  ReminderQueue queue_{index_, wake_, store_clock_, queue_metrics_};
  IndexKeeper keeper_{store_, queue_, clock_, store_clock_};
  DeliveryHandler handler_{store_, queue_, {.back_off = {}, .random = [] { return 1.0; }}};
};

TEST_F(DeliveryHandlerTest, LeasesAndCompletes) {
  Add("r1", "p1", -absl::Minutes(2));
  Add("r2", "p2", -absl::Minutes(1));
  Add("later", "p3", absl::Minutes(10));
  ASSERT_OK_AND_ASSIGN(const auto response, Lease());
  EXPECT_THAT(Names(response),
              ElementsAre("clinics/north/reminders/r1", "clinics/north/reminders/r2"));
  const pb::LeasedReminder& first = response.reminders(0);
  EXPECT_EQ(first.idempotency_key(), "r1:1");
  EXPECT_EQ(first.reminder().state(), pb::REMINDER_STATE_LEASED);
  EXPECT_EQ(first.reminder().patient().value(), "p1");
  EXPECT_EQ(first.reminder().template_(), "key");
  ASSERT_OK_AND_ASSIGN(const auto nothing, Lease());
  EXPECT_EQ(nothing.retry_after().seconds(), 5);
  EXPECT_EQ(queue_metrics_.fallback_claims.Value(), fallbacks_);

  ASSERT_OK_AND_ASSIGN(const auto done, Complete(first, pb::ATTEMPT_OUTCOME_SENT));
  EXPECT_EQ(done.results(0).verdict(), pb::LEASE_VERDICT_APPLIED);
  EXPECT_EQ(done.results(0).state(), pb::REMINDER_STATE_SENT);
  EXPECT_EQ(Count("state = 3"), 1);
  ASSERT_OK_AND_ASSIGN(const auto again, Complete(first, pb::ATTEMPT_OUTCOME_SENT));
  EXPECT_EQ(again.results(0).verdict(), pb::LEASE_VERDICT_REPEATED);
  EXPECT_EQ(queue_metrics_.acked.Value(), 1);
}

TEST_F(DeliveryHandlerTest, ARepeatedCallGetsTheSameLeases) {
  Add("r1", "p1", -absl::Minutes(1));
  const auto request = LeaseRequest();
  const CallContext ctx = Call(request);
  ASSERT_OK_AND_ASSIGN(const auto first, handler_.LeaseReminders(ctx, request));
  ASSERT_OK_AND_ASSIGN(const auto second, handler_.LeaseReminders(ctx, request));
  EXPECT_EQ(first.SerializeAsString(), second.SerializeAsString());
  EXPECT_EQ(first.reminders_size(), 1);
}

TEST_F(DeliveryHandlerTest, ARetryComesBackThroughTheIndex) {
  Add("r1", "p1", -absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const auto response, Lease());
  ASSERT_OK(Complete(response.reminders(0), pb::ATTEMPT_OUTCOME_RETRY));
  queue_.Flush();
  ASSERT_OK_AND_ASSIGN(const auto early, Lease());
  EXPECT_THAT(Names(early), IsEmpty());
  EXPECT_EQ(early.retry_after().seconds(), 5);
  clock_.Advance(absl::Seconds(31));
  ASSERT_OK_AND_ASSIGN(const auto again, Lease());
  ASSERT_EQ(again.reminders_size(), 1);
  EXPECT_EQ(again.reminders(0).reminder().attempt(), 2);
  EXPECT_EQ(again.reminders(0).idempotency_key(), "r1:1");
}

TEST_F(DeliveryHandlerTest, ALapsedLeaseComesBackBySweep) {
  Add("r1", "p1", -absl::Minutes(1));
  ASSERT_OK(Lease());
  clock_.Advance(absl::Seconds(61));
  ASSERT_OK(keeper_.SweepOnce());
  queue_.Flush();
  ASSERT_OK_AND_ASSIGN(const auto again, Lease());
  EXPECT_EQ(again.reminders_size(), 1);
  EXPECT_EQ(queue_metrics_.lapsed.Value(), 1);
}

TEST_F(DeliveryHandlerTest, TheNextOfACourseFollowsTheFirst) {
  Add("r1", "p1", -absl::Minutes(2));
  Add("r2", "p1", -absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const auto first, Lease());
  EXPECT_THAT(Names(first), ElementsAre("clinics/north/reminders/r1"));
  ASSERT_OK(Complete(first.reminders(0), pb::ATTEMPT_OUTCOME_SENT));
  clock_.Advance(absl::Milliseconds(1200));
  ASSERT_OK_AND_ASSIGN(const auto second, Lease());
  EXPECT_THAT(Names(second), ElementsAre("clinics/north/reminders/r2"));
}

// A patient's and a therapist's reminder of one session are due at once: the second one of them
// waits for the first, and not for a second more.
TEST_F(DeliveryHandlerTest, TheNextOfACourseIsTriedSoon) {
  Add("r1", "p1", absl::ZeroDuration());
  Add("r2", "p1", absl::ZeroDuration());
  clock_.Advance(absl::Milliseconds(125));
  ASSERT_OK_AND_ASSIGN(const auto first, Lease());
  ASSERT_EQ(first.reminders_size(), 1);
  EXPECT_EQ(first.retry_after().seconds(), 0);
  EXPECT_LE(first.retry_after().nanos(), 250'000'000);
  ASSERT_OK(Complete(first.reminders(0), pb::ATTEMPT_OUTCOME_SENT));
  clock_.Advance(absl::Milliseconds(250));
  ASSERT_OK_AND_ASSIGN(const auto second, Lease());
  EXPECT_EQ(second.reminders_size(), 1);
}

TEST_F(DeliveryHandlerTest, WhatAFullIndexDidNotTakeIsLeasedFromTheStore) {
  ASSERT_OK(keeper_.IndexOnce());
  FillIndex(true);
  Add("r1", "p1", -absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const auto from_store, Lease());
  EXPECT_THAT(Names(from_store), ElementsAre("clinics/north/reminders/r1"));
  EXPECT_EQ(queue_metrics_.fallback_claims.Value(), fallbacks_ + 1);
  // Also what the keeper alone knows of, and for as long as it finds no room.
  Sql(InsertReminder({.id = "r2", .course = "kp2", .due = -absl::Minutes(1)}, start_, "north", "p2",
                     "ann"));
  EXPECT_THAT(keeper_.IndexOnce(), StatusIs(absl::StatusCode::kResourceExhausted));
  ASSERT_OK_AND_ASSIGN(const auto unknown, Lease());
  EXPECT_THAT(Names(unknown), ElementsAre("clinics/north/reminders/r2"));
  // With room, the index is asked again.
  Add("r3", "p3", -absl::Minutes(1));
  FillIndex(false);
  ASSERT_OK(keeper_.IndexOnce());
  const double fallbacks = queue_metrics_.fallback_claims.Value();
  ASSERT_OK_AND_ASSIGN(const auto from_index, Lease());
  EXPECT_THAT(Names(from_index), ElementsAre("clinics/north/reminders/r3"));
  EXPECT_EQ(queue_metrics_.fallback_claims.Value(), fallbacks);
}

TEST_F(DeliveryHandlerTest, AnIndexThatKnowsNothingCostsNothing) {
  Add("r1", "p1", -absl::Minutes(1));
  ASSERT_OK_AND_ASSIGN(const auto ticket, index_.BeginRebuild("north", "x", absl::Hours(1), true));
  ASSERT_EQ(ticket.outcome, cache::RebuildTicket::kStarted);
  ASSERT_OK_AND_ASSIGN(const auto response, Lease());
  EXPECT_EQ(response.reminders_size(), 1);
  EXPECT_EQ(queue_metrics_.fallback_claims.Value(), fallbacks_ + 1);
}

TEST_F(DeliveryHandlerTest, TheKeeperMendsTheIndexBothWays) {
  // In SQL, and the index was never told.
  Sql(InsertReminder({.id = "r1", .course = "kp1"}, start_, "north", "p1", "ann"));
  Sql(InsertReminder({.id = "r2", .course = "kp2", .due = absl::Hours(1)}, start_, "north", "p2",
                     "ann"));
  // In the index, and not in SQL.
  ASSERT_OK(index_.Upsert("north", {{"ghost", 1, start_ + absl::Hours(2)}}));
  ASSERT_OK(keeper_.IndexOnce());
  ASSERT_OK(keeper_.IndexOnce());
  ASSERT_OK_AND_ASSIGN(const auto known, index_.Lookup("north", {"r1", "r2", "ghost"}));
  EXPECT_TRUE(known[0].has_value());
  EXPECT_TRUE(known[1].has_value());
  EXPECT_FALSE(known[2].has_value());
  EXPECT_GE(queue_metrics_.mended_added.Value() + queue_metrics_.rebuilds.Value(), 1);
}

TEST_F(DeliveryHandlerTest, WhatTheIndexWronglyHandsOutIsRefused) {
  Add("r1", "p1", -absl::Minutes(1));
  Sql("UPDATE reminders SET state = 5");
  ASSERT_OK_AND_ASSIGN(const auto response, Lease());
  EXPECT_THAT(Names(response), IsEmpty());
  ASSERT_OK_AND_ASSIGN(const auto known, index_.Lookup("north", {"r1"}));
  EXPECT_FALSE(known[0].has_value());
}

TEST_F(DeliveryHandlerTest, APausedClinicIsLookedAtAgain) {
  Add("r1", "p1", -absl::Minutes(1));
  Sql("INSERT INTO reminder_sending VALUES ('north', 1, 0, 'why', 'x', 0, 0, 1, 0)");
  ASSERT_OK_AND_ASSIGN(const auto paused, Lease());
  EXPECT_THAT(Names(paused), IsEmpty());
  Sql("UPDATE reminder_sending SET paused = 0");
  clock_.Advance(absl::Seconds(2));
  ASSERT_OK_AND_ASSIGN(const auto resumed, Lease());
  EXPECT_EQ(resumed.reminders_size(), 1);
}

TEST_F(DeliveryHandlerTest, ChecksWhatTheAdapterDoesNot) {
  pb::LeaseRemindersRequest lease = LeaseRequest(501);
  lease.mutable_lease_duration()->set_seconds(4);
  lease.add_channels(pb::REMINDER_CHANNEL_UNSPECIFIED);
  EXPECT_THAT(handler_.LeaseReminders(Call(lease), lease),
              HasBadFields("max_reminders", "lease_duration", "channels[0]"));

  pb::CompleteRemindersRequest complete;
  complete.set_clinic("clinics/north");
  pb::Completion* word = complete.add_completions();
  word->set_reminder("clinics/north/reminders/r1");
  word->set_outcome(pb::ATTEMPT_OUTCOME_UNKNOWN);
  word->set_reason("two words");
  word->mutable_retry_delay()->set_seconds(-1);
  *complete.add_completions() = *word;
  complete.mutable_completions(1)->set_lease_token(1);
  complete.mutable_completions(1)->set_outcome(pb::ATTEMPT_OUTCOME_SENT);
  complete.mutable_completions(1)->clear_reason();
  complete.mutable_completions(1)->clear_retry_delay();
  complete.add_completions()->set_reminder("r1");
  EXPECT_THAT(handler_.CompleteReminders(Call(complete), complete),
              HasBadFields("completions[0].lease_token", "completions[0].outcome",
                           "completions[0].reason", "completions[0].retry_delay",
                           "completions[1].reminder", "completions[2].reminder",
                           "completions[2].lease_token", "completions[2].outcome"));

  pb::ReportDeliveriesRequest report;
  report.set_clinic("clinics/north");
  report.add_reports()->set_reminder("clinics/north/reminders/r1");
  report.mutable_reports(0)->set_outcome(pb::DELIVERY_OUTCOME_UNSUBSCRIBED);
  EXPECT_THAT(handler_.ReportDeliveries(Call(report), report), HasBadFields("reports[0].channel"));
}

TEST_F(DeliveryHandlerTest, WhoUnsubscribesIsOptedOutOfThatChannel) {
  Add("r1", "p1", -absl::Minutes(1));
  Add("r2", "p2", -absl::Minutes(1));
  Add("waits", "p3", absl::Minutes(10));
  Add("staff", "p3", -absl::Minutes(1));
  Sql("UPDATE reminders SET audience = 2 WHERE reminder_id = 'staff'");
  ASSERT_OK_AND_ASSIGN(const auto leased, Lease());
  for (const auto& one : leased.reminders()) {
    ASSERT_OK(Complete(one, pb::ATTEMPT_OUTCOME_SENT));
  }
  pb::ReportDeliveriesRequest request;
  request.set_clinic("clinics/north");
  const auto report = [&](const std::string& id, pb::ReminderChannel channel) {
    auto* added = request.add_reports();
    added->set_reminder("clinics/north/reminders/" + id);
    added->set_outcome(pb::DELIVERY_OUTCOME_UNSUBSCRIBED);
    added->set_channel(channel);
  };
  report("r2", pb::REMINDER_CHANNEL_EMAIL);
  report("r1", pb::REMINDER_CHANNEL_SMS);
  report("staff", pb::REMINDER_CHANNEL_SMS);
  report("none", pb::REMINDER_CHANNEL_SMS);
  ASSERT_OK_AND_ASSIGN(const auto first, handler_.ReportDeliveries(Call(request), request));
  EXPECT_EQ(first.results(0).verdict(), pb::LEASE_VERDICT_APPLIED);
  EXPECT_EQ(first.results(2).verdict(), pb::LEASE_VERDICT_APPLIED);
  EXPECT_EQ(first.results(3).verdict(), pb::LEASE_VERDICT_NOT_FOUND);
  EXPECT_EQ(Count("delivery = 3"), 3);
  const auto opted_out = [&](const std::string& patient) {
    std::vector<ReminderChannel> channels;
    EXPECT_OK(store_.Read(absl::InfiniteFuture(), [&](SchedulingReader& reader) {
      const auto settings = reader.GetReminderSettings("north", "", patient);
      if (settings.ok()) channels = settings->preferences.opted_out;
      return settings.status();
    }));
    return channels;
  };
  EXPECT_THAT(opted_out("p1"), ElementsAre(ReminderChannel::kSms));
  EXPECT_THAT(opted_out("p2"), ElementsAre(ReminderChannel::kEmail));
  EXPECT_THAT(opted_out("p3"), IsEmpty());

  // Of a reminder that was not sent the report is lost, the wish is not.
  request.clear_reports();
  report("waits", pb::REMINDER_CHANNEL_VOICE);
  report("r1", pb::REMINDER_CHANNEL_EMAIL);
  ASSERT_OK_AND_ASSIGN(const auto second, handler_.ReportDeliveries(Call(request), request));
  EXPECT_EQ(second.results(0).verdict(), pb::LEASE_VERDICT_LOST);
  EXPECT_EQ(second.results(1).verdict(), pb::LEASE_VERDICT_REPEATED);
  EXPECT_THAT(opted_out("p3"), ElementsAre(ReminderChannel::kVoice));
  EXPECT_THAT(opted_out("p1"), ElementsAre(ReminderChannel::kSms, ReminderChannel::kEmail));
}

// ------------------------------------------------------------------------------------- streams

class DeliveryStreamTest : public DeliveryHandlerTest {
 protected:
  void Open(int credits) {
    pb::StreamRemindersRequest first;
    first.mutable_open()->set_clinic("clinics/north");
    first.mutable_open()->set_credits(credits);
    auto opened = handler_.StreamReminders(Context(), first, handle_);
    ASSERT_OK(opened);
    stream_ = *std::move(opened);
  }
  CallContext Context() {
    CallContext ctx = ReadCall();
    ctx.now = clock_.Now();
    return ctx;
  }
  rpc::Next<pb::StreamRemindersResponse> Next() {
    auto next = stream_->NextResponse(Context());
    EXPECT_OK(next);
    return next.ok() ? *std::move(next) : rpc::Next<pb::StreamRemindersResponse>::End();
  }

  std::shared_ptr<CountedWakes> handle_ = std::make_shared<CountedWakes>();
  std::unique_ptr<DeliveryHandler::Stream> stream_;
};

TEST_F(DeliveryStreamTest, SendsAsCreditsAllowAndVerdictsInOrder) {
  Add("r1", "p1", -absl::Minutes(3));
  Add("r2", "p2", -absl::Minutes(2));
  Open(1);
  auto next = Next();
  ASSERT_TRUE(next.response.has_value());
  ASSERT_EQ(next.response->reminders_size(), 1);
  EXPECT_EQ(next.response->credits(), 0);
  EXPECT_FALSE(Next().response.has_value());

  pb::StreamRemindersRequest done;
  *done.mutable_completions()->add_completions() =
      Word(next.response->reminders(0), pb::ATTEMPT_OUTCOME_SENT);
  ASSERT_OK(stream_->OnMessage(Context(), done));
  ASSERT_OK(stream_->OnMessage(Context(), done));
  next = Next();
  EXPECT_EQ(next.response->results(0).verdict(), pb::LEASE_VERDICT_APPLIED);
  next = Next();
  EXPECT_EQ(next.response->results(0).verdict(), pb::LEASE_VERDICT_REPEATED);

  pb::StreamRemindersRequest credits;
  credits.mutable_credits()->set_credits(5);
  ASSERT_OK(stream_->OnMessage(Context(), credits));
  next = Next();
  EXPECT_EQ(next.response->reminders(0).reminder().name(), "clinics/north/reminders/r2");
  EXPECT_EQ(next.response->credits(), 4);
  EXPECT_EQ(Count("state = 3"), 1);
}

TEST_F(DeliveryStreamTest, WaitsForTheNextDueAndIsWoken) {
  Open(10);
  auto next = Next();
  EXPECT_FALSE(next.response.has_value());
  EXPECT_LE(next.again, clock_.Now() + absl::Seconds(1));
  const int before = handle_->wakes;
  Add("r1", "p1", absl::Milliseconds(500));
  EXPECT_GT(handle_->wakes, before);
  next = Next();
  EXPECT_FALSE(next.response.has_value());
  EXPECT_LE(next.again, clock_.Now() + absl::Milliseconds(750));
  clock_.Advance(absl::Milliseconds(750));
  EXPECT_TRUE(Next().response.has_value());
}

// Another gateway held it in the index, and gave it back for a moment.
TEST_F(DeliveryStreamTest, IsWokenForWhatAnotherOneCouldNotLease) {
  Open(10);
  EXPECT_FALSE(Next().response.has_value());
  Add("r1", "p1", -absl::Minutes(1));
  Add("r2", "p1", -absl::Minutes(1));
  const int before = handle_->wakes;
  ASSERT_OK_AND_ASSIGN(const auto first, Lease());
  EXPECT_THAT(Names(first), ElementsAre("clinics/north/reminders/r1"));
  EXPECT_GT(handle_->wakes, before);
}

TEST_F(DeliveryStreamTest, ExtendsAndEndsWithItsClient) {
  Add("r1", "p1", -absl::Minutes(1));
  Open(1);
  const auto leased = Next();
  clock_.Advance(absl::Seconds(30));
  pb::StreamRemindersRequest extend;
  pb::LeaseExtension* lease = extend.mutable_extensions()->add_leases();
  lease->set_reminder("clinics/north/reminders/r1");
  lease->set_lease_token(leased.response->reminders(0).lease_token());
  ASSERT_OK(stream_->OnMessage(Context(), extend));
  stream_->OnClientDone(Context());
  const auto verdict = Next();
  EXPECT_EQ(verdict.response->results(0).verdict(), pb::LEASE_VERDICT_APPLIED);
  EXPECT_EQ(verdict.response->results(0).lease_expire_time().seconds(),
            absl::ToUnixSeconds(clock_.Now() + absl::Seconds(60)));
  EXPECT_TRUE(Next().end);
}

TEST_F(DeliveryStreamTest, RefusesWhatIsNotToBeSaid) {
  pb::StreamRemindersRequest first;
  EXPECT_THAT(handler_.StreamReminders(Context(), first, handle_), HasBadFields("open"));
  first.mutable_open()->set_credits(5001);
  EXPECT_THAT(handler_.StreamReminders(Context(), first, handle_),
              HasBadFields("open.clinic", "open.credits"));
  Open(0);
  EXPECT_THAT(stream_->OnMessage(Context(), {}), HasBadFields("message"));
  EXPECT_THAT(stream_->OnMessage(Context(), first), HasBadFields("open"));
  pb::StreamRemindersRequest credits;
  credits.mutable_credits();
  EXPECT_THAT(stream_->OnMessage(Context(), credits), HasBadFields("credits.credits"));
  pb::StreamRemindersRequest other;
  pb::Completion* word = other.mutable_completions()->add_completions();
  word->set_reminder("clinics/south/reminders/r1");
  word->set_lease_token(1);
  word->set_outcome(pb::ATTEMPT_OUTCOME_SENT);
  EXPECT_THAT(stream_->OnMessage(Context(), other),
              HasBadFields("completions.completions[0].reminder"));
}

}  // namespace
}  // namespace ipt::scheduling
