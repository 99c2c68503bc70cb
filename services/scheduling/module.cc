#include "scheduling/module.h"

#include <algorithm>
#include <optional>
#include <random>
#include <utility>
#include <vector>

#include "ipt/scheduling/v1/event_service.pb.h"
#include "platform/audit/audit_handler.h"
#include "platform/audit/merged_reader.h"
#include "platform/cache/memory_due_index.h"
#include "platform/errors/status_macros.h"
#include "platform/events/event_handler.h"
#include "platform/events/feed.h"
#include "platform/ids/ids.h"
#include "platform/observability/log.h"
#include "platform/server/periodic.h"
#include "platform/storage/platform_migrations.h"
#include "scheduling/domain/course_state.h"
#include "scheduling/reminders/index_keeper.h"
#include "scheduling/reminders/queue_metrics.h"
#include "scheduling/reminders/reminder_queue.h"
#include "scheduling/reminders/store_clock.h"
#include "scheduling/rpc/clinic_handler.h"
#include "scheduling/rpc/course_handler.h"
#include "scheduling/rpc/delivery_handler.h"
#include "scheduling/rpc/event_proto.h"
#include "scheduling/rpc/reminder_handler.h"
#include "scheduling/rpc/session_handler.h"
#include "scheduling/rpc/therapist_handler.h"
#include "scheduling/storage/reminder_purge.h"
#include "scheduling/storage/scheduling_migrations.h"
#include "scheduling/storage/shared_course_snapshots.h"
#include "scheduling/storage/sql_scheduling_store.h"

namespace ipt::scheduling {
namespace {

// A stale course is recomputed within five seconds: looked for every three, in bounded batches. Not
// sooner: each booking makes the therapist's other courses stale, and one look then serves several.
constexpr absl::Duration kRefreshEvery = absl::Seconds(3);
constexpr int kRefreshBatch = 500;

// Tells whoever keeps copies (null: nobody does), then the followers of events.
class CommitBell final : public CommitListener {
 public:
  CommitBell(CommitListener* copies, events::Feed& feed) : copies_(copies), feed_(feed) {}
  void OnCommitted(const CommittedChanges& changes) override {
    if (copies_ != nullptr) copies_->OnCommitted(changes);
    feed_.OnCommitted();
  }

 private:
  CommitListener* const copies_;
  events::Feed& feed_;
};

std::vector<audit::AuditReader*> With(audit::AuditReader& own,
                                      std::vector<audit::AuditReader*> others) {
  others.insert(others.begin(), &own);
  return others;
}

using Events = events::EventHandler<pb::WatchEventsRequest, pb::WatchEventsResponse>;

// 0 to 1.
double Random() {
  thread_local std::mt19937_64 generator{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(generator);
}

class SchedulingModule final : public server::Module {
 public:
  SchedulingModule(const server::Platform& platform, std::unique_ptr<storage::Database> db,
                   const ModuleOptions& options)
      : platform_(platform),
        options_(options),
        base_(platform, "scheduling", std::move(db), options.store.keep_answers),
        cache_(base_.db().dialect() == storage::Dialect::kSqlite ? std::make_unique<CourseCache>()
                                                                 : nullptr),
        snapshots_(cache_ == nullptr && platform.shared.redis() != nullptr
                       ? std::make_unique<SharedCourseSnapshots>(
                             *platform.shared.redis(), [this] { return base_.feed().epoch(); })
                       : nullptr),
        bell_(Copies(), base_.feed()),
        store_(base_.db(), encoder_, &bell_),
        all_audits_(With(base_.audit_reader(), options.other_audits)),
        store_clock_(platform.clock),
        memory_index_(platform.shared.redis() == nullptr
                          ? std::make_unique<cache::MemoryDueIndex>(store_clock_)
                          : nullptr),
        queue_metrics_(platform.metrics),
        queue_(memory_index_ == nullptr ? platform.shared.due_index() : *memory_index_,
               platform.shared.wake(), store_clock_, queue_metrics_),
        keeper_(store_, queue_, platform.clock, store_clock_),
        clinics_(store_),
        therapists_(store_, ids_),
        courses_(store_, ids_, cache_.get(), snapshots_.get()),
        sessions_(store_, ids_),
        reminders_(store_),
        deliveries_(store_, queue_, {.back_off = {}, .random = Random}),
        events_(base_.feed(), platform.settings.event_heartbeat),
        audit_(all_audits_),
        clinic_service_("ipt.scheduling.v1.ClinicService", platform.runtime),
        therapist_service_("ipt.scheduling.v1.TherapistService", platform.runtime),
        course_service_("ipt.scheduling.v1.CourseService", platform.runtime),
        session_service_("ipt.scheduling.v1.SessionService", platform.runtime),
        reminder_service_("ipt.scheduling.v1.ReminderService", platform.runtime),
        delivery_service_("ipt.scheduling.v1.DeliveryService", platform.runtime),
        event_service_("ipt.scheduling.v1.EventService", platform.runtime),
        audit_service_("ipt.audit.v1.AuditService", platform.runtime),
        courses_open_(platform.metrics.Gauge("ipt_courses_open", "Open courses of all clinics.")),
        courses_at_risk_(platform.metrics.Gauge("ipt_courses_at_risk",
                                                "Of them, those whose forecast is AT_RISK.")),
        courses_infeasible_(platform.metrics.Gauge("ipt_courses_infeasible",
                                                   "Of them, those that are INFEASIBLE.")),
        courses_overdue_(platform.metrics.Gauge(
            "ipt_courses_overdue", "Of them, those whose deadline has passed: nobody decided.")),
        oldest_overdue_(platform.metrics.Gauge(
            "ipt_course_oldest_overdue_days",
            "For how many days the first of them is past its deadline; 0: none is.")),
        refreshed_(platform.metrics.Counter("ipt_forecasts_refreshed_total",
                                            "Stale courses recomputed in the background.")),
        refresh_errors_(platform.metrics.Counter("ipt_forecast_refresh_errors_total",
                                                 "Stale courses that could not be recomputed.")),
        reminders_purged_(platform.metrics.Counter("ipt_reminders_purged_total",
                                                   "Reminders and attempts, deleted by age.")) {
    store_.SetQueueListener(&queue_);
    Wire();
    base_.AuditReads(services());
    base_.DeleteByAge(platform.settings.keep_reminders, PurgeReminders, reminders_purged_);
    base_.Measure([this] { return CountCourses(); });
  }

  const char* name() const override { return "scheduling"; }

  std::vector<rpc::RpcService*> services() override {
    return {&clinic_service_,   &therapist_service_, &course_service_, &session_service_,
            &reminder_service_, &delivery_service_,  &event_service_,  &audit_service_};
  }

  absl::Status Probe() override { return base_.Probe(); }

  void Start() override {
    base_.Start();
    refresher_.emplace(kRefreshEvery, [this] { Refresh(); });
    keeper_.Start();
  }

  void EndWithin(absl::Duration left) override { base_.EndWithin(left); }

  void Stop() override {
    base_.BeginStop();
    keeper_.Stop();
    refresher_.reset();
    base_.EndStop();
  }

 private:
  void Wire() {
    auto& c = clinic_service_;
    c.Handle("CreateClinic", clinics_, &ClinicHandler::CreateClinic);
    c.Handle("GetClinic", clinics_, &ClinicHandler::GetClinic);
    c.Handle("ListClinics", clinics_, &ClinicHandler::ListClinics);
    c.Handle("UpdateClinic", clinics_, &ClinicHandler::UpdateClinic);
    c.Handle("CreateHolidays", clinics_, &ClinicHandler::CreateHolidays);
    c.Handle("ListHolidays", clinics_, &ClinicHandler::ListHolidays);
    c.Handle("DeleteHoliday", clinics_, &ClinicHandler::DeleteHoliday);

    auto& t = therapist_service_;
    t.Handle("CreateTherapist", therapists_, &TherapistHandler::CreateTherapist);
    t.Handle("GetTherapist", therapists_, &TherapistHandler::GetTherapist);
    t.Handle("ListTherapists", therapists_, &TherapistHandler::ListTherapists);
    t.Handle("UpdateTherapist", therapists_, &TherapistHandler::UpdateTherapist);
    t.Handle("DeactivateTherapist", therapists_, &TherapistHandler::DeactivateTherapist);
    t.Handle("ActivateTherapist", therapists_, &TherapistHandler::ActivateTherapist);
    t.Handle("CreateTimeOff", therapists_, &TherapistHandler::CreateTimeOff);
    t.Handle("ListTimeOff", therapists_, &TherapistHandler::ListTimeOff);
    t.Handle("DeleteTimeOff", therapists_, &TherapistHandler::DeleteTimeOff);
    t.Handle("CreateExtraHours", therapists_, &TherapistHandler::CreateExtraHours);
    t.Handle("ListExtraHours", therapists_, &TherapistHandler::ListExtraHours);
    t.Handle("DeleteExtraHours", therapists_, &TherapistHandler::DeleteExtraHours);
    t.Handle("GetTherapistCalendar", therapists_, &TherapistHandler::GetTherapistCalendar);

    auto& k = course_service_;
    k.Handle("CreateCourse", courses_, &CourseHandler::CreateCourse);
    k.Handle("ImportCourse", courses_, &CourseHandler::ImportCourse);
    k.Handle("GetCourse", courses_, &CourseHandler::GetCourse);
    k.AnswerFromMemory<pb::GetCourseRequest>(
        "GetCourse", [this](const CallContext& ctx, const pb::GetCourseRequest& request) {
          return courses_.GetCourseFromMemory(ctx, request);
        });
    k.AnswerFromCache<pb::GetCourseRequest>(
        "GetCourse", [this](const CallContext& ctx, const pb::GetCourseRequest& request,
                            CourseSnapshots::Found found) {
          courses_.GetCourseFromSnapshot(ctx, request, std::move(found));
        });
    k.Handle("BatchGetCourses", courses_, &CourseHandler::BatchGetCourses);
    k.Handle("ListCourses", courses_, &CourseHandler::ListCourses);
    k.Handle("ListDeadlines", courses_, &CourseHandler::ListDeadlines);
    k.AnswerFromCache<pb::ListDeadlinesRequest>(
        "ListDeadlines", [this](const CallContext& ctx, const pb::ListDeadlinesRequest& request,
                                CourseSnapshots::Found found) {
          courses_.ListDeadlinesFromSnapshot(ctx, request, std::move(found));
        });
    k.Handle("UpdateCourse", courses_, &CourseHandler::UpdateCourse);
    k.Handle("GetCourseForecast", courses_, &CourseHandler::GetCourseForecast);
    k.Handle("PlanCourse", courses_, &CourseHandler::PlanCourse);
    k.Handle("BookPlan", courses_, &CourseHandler::BookPlan);
    k.Handle("PauseCourse", courses_, &CourseHandler::PauseCourse);
    k.Handle("ResumeCourse", courses_, &CourseHandler::ResumeCourse);
    k.Handle("ExtendCourse", courses_, &CourseHandler::ExtendCourse);
    k.Handle("ShortenCourse", courses_, &CourseHandler::ShortenCourse);
    k.Handle("TransferCourse", courses_, &CourseHandler::TransferCourse);
    k.Handle("TransferCourses", courses_, &CourseHandler::TransferCourses);
    k.Handle("CompleteCourse", courses_, &CourseHandler::CompleteCourse);
    k.Handle("DiscontinueCourse", courses_, &CourseHandler::DiscontinueCourse);
    k.Handle("ReopenCourse", courses_, &CourseHandler::ReopenCourse);
    k.Handle("ChangePatientIdentifier", courses_, &CourseHandler::ChangePatientIdentifier);
    k.Handle("MergePatients", courses_, &CourseHandler::MergePatients);
    k.Handle("ListVariants", courses_, &CourseHandler::ListVariants);

    auto& s = session_service_;
    s.Handle("BookSession", sessions_, &SessionHandler::BookSession);
    s.Handle("GetSession", sessions_, &SessionHandler::GetSession);
    s.Handle("ListSessions", sessions_, &SessionHandler::ListSessions);
    s.Handle("UpdateSession", sessions_, &SessionHandler::UpdateSession);
    s.Handle("RescheduleSession", sessions_, &SessionHandler::RescheduleSession);
    s.Handle("CancelSession", sessions_, &SessionHandler::CancelSession);
    s.Handle("RecordAttendance", sessions_, &SessionHandler::RecordAttendance);
    s.Handle("FindSlots", sessions_, &SessionHandler::FindSlots);

    auto& d = delivery_service_;
    d.Handle("LeaseReminders", deliveries_, &DeliveryHandler::LeaseReminders);
    d.Handle("CompleteReminders", deliveries_, &DeliveryHandler::CompleteReminders);
    d.Handle("ExtendLeases", deliveries_, &DeliveryHandler::ExtendLeases);
    d.Handle("ReportDeliveries", deliveries_, &DeliveryHandler::ReportDeliveries);
    d.HandleBidi("StreamReminders", deliveries_, &DeliveryHandler::StreamReminders);
    event_service_.HandleStream("WatchEvents", events_, &Events::WatchEvents);

    auto& r = reminder_service_;
    r.Handle("GetReminderPolicy", reminders_, &ReminderHandler::GetReminderPolicy);
    r.Handle("UpdateReminderPolicy", reminders_, &ReminderHandler::UpdateReminderPolicy);
    r.Handle("ResetReminderPolicy", reminders_, &ReminderHandler::ResetReminderPolicy);
    r.Handle("GetContactPreferences", reminders_, &ReminderHandler::GetContactPreferences);
    r.Handle("UpdateContactPreferences", reminders_, &ReminderHandler::UpdateContactPreferences);
    r.Handle("GetSending", reminders_, &ReminderHandler::GetSending);
    r.Handle("SetSending", reminders_, &ReminderHandler::SetSending);
    r.Handle("GetReminder", reminders_, &ReminderHandler::GetReminder);
    r.Handle("ListReminders", reminders_, &ReminderHandler::ListReminders);
    r.Handle("PreviewReminders", reminders_, &ReminderHandler::PreviewReminders);
    r.Handle("TestReminder", reminders_, &ReminderHandler::TestReminder);
    r.Handle("ReplayReminder", reminders_, &ReminderHandler::ReplayReminder);
    r.Handle("NoteCourseFindings", reminders_, &ReminderHandler::NoteCourseFindings);
    r.Handle("DropReminder", reminders_, &ReminderHandler::DropReminder);
    r.Handle("GetReminderQueue", reminders_, &ReminderHandler::GetReminderQueue);

    audit_service_.Handle("ListAuditEntries", audit_, &audit::AuditHandler::ListAuditEntries);
  }

  // Whoever keeps copies of what commits change; one of the two, or none.
  CommitListener* Copies() const {
    if (cache_ != nullptr) return cache_.get();
    return snapshots_.get();
  }

  absl::Status CountCourses() {
    OpenCourseCounts counts;
    IPT_RETURN_IF_ERROR(
        store_.Read(base_.BackgroundDeadline(), [&](SchedulingReader& reader) -> absl::Status {
          IPT_ASSIGN_OR_RETURN(counts, reader.CountOpenCoursesOfAll());
          return absl::OkStatus();
        }));
    courses_open_.Set(static_cast<double>(counts.open));
    courses_at_risk_.Set(static_cast<double>(counts.at_risk));
    courses_infeasible_.Set(static_cast<double>(counts.infeasible));
    courses_overdue_.Set(static_cast<double>(counts.overdue));
    // A course's day is over by its own zone; a day more or less matters to nobody here.
    const absl::CivilDay today(absl::ToCivilDay(platform_.clock.Now(), absl::UTCTimeZone()));
    const absl::CivilDay oldest = std::min(today, counts.oldest_overdue.value_or(today));
    oldest_overdue_.Set(static_cast<double>(today - oldest));
    return absl::OkStatus();
  }

  void Refresh() {
    while (!base_.stopping()) {
      const absl::StatusOr<RefreshResult> result = RefreshSome(
          store_, platform_.clock, kRefreshBatch, base_.BackgroundDeadline(), &failures_);
      const absl::Status& error = result.ok() ? result->last_error : result.status();
      if (!error.ok()) {
        refresh_errors_.Increment(result.ok() ? result->failed : 1);
        log::Line(log::Level::kWarning, "forecast_refresh_failed",
                  {{log::Key::kDetail, error.message()}});
        return;
      }
      refreshed_.Increment(result->refreshed);
      if (result->refreshed < kRefreshBatch) return;
    }
  }

  const server::Platform& platform_;
  const ModuleOptions options_;
  server::ServiceStore base_;
  const ProtoEventEncoder encoder_;
  RandomIdSource ids_;
  // Only where no other process writes the store.
  const std::unique_ptr<CourseCache> cache_;
  // Where several processes write it and share Redis.
  const std::unique_ptr<SharedCourseSnapshots> snapshots_;
  CommitBell bell_;
  SqlSchedulingStore store_;
  audit::MergedAuditReader all_audits_;

  StoreClock store_clock_;
  // Where replicas share none: by the store's clock, which may differ from the machine's.
  const std::unique_ptr<cache::DueIndex> memory_index_;
  QueueMetrics queue_metrics_;
  ReminderQueue queue_;
  IndexKeeper keeper_;

  ClinicHandler clinics_;
  TherapistHandler therapists_;
  CourseHandler courses_;
  SessionHandler sessions_;
  ReminderHandler reminders_;
  DeliveryHandler deliveries_;
  Events events_;
  audit::AuditHandler audit_;

  rpc::RpcService clinic_service_;
  rpc::RpcService therapist_service_;
  rpc::RpcService course_service_;
  rpc::RpcService session_service_;
  rpc::RpcService reminder_service_;
  rpc::RpcService delivery_service_;
  rpc::RpcService event_service_;
  rpc::RpcService audit_service_;

  prometheus::Gauge& courses_open_;
  prometheus::Gauge& courses_at_risk_;
  prometheus::Gauge& courses_infeasible_;
  prometheus::Gauge& courses_overdue_;
  prometheus::Gauge& oldest_overdue_;
  prometheus::Counter& refreshed_;
  prometheus::Counter& refresh_errors_;
  prometheus::Counter& reminders_purged_;

  FailedRefreshes failures_;  // the refresher's
  std::optional<server::Periodic> refresher_;
};

}  // namespace

std::vector<storage::Component> Components() {
  return {storage::PlatformMigrations(), SchedulingMigrations()};
}

absl::StatusOr<std::unique_ptr<server::Module>> OpenModule(const server::Platform& platform,
                                                           const ModuleOptions& options) {
  IPT_ASSIGN_OR_RETURN(std::unique_ptr<storage::Database> db,
                       server::OpenServiceStore(platform, options.store, Components()));
  return std::make_unique<SchedulingModule>(platform, std::move(db), options);
}

}  // namespace ipt::scheduling
