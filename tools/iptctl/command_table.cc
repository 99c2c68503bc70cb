#include "iptctl/command_table.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "iptctl/contract.h"

namespace ipt::ctl {
namespace {

struct Row {
  const char* noun;
  const char* verb;
  const char* method;
  std::vector<const char*> args;
  const char* example;
  const char* summary = "";
  std::vector<FlagText> preset = {};
};

void Append(absl::string_view service, const std::vector<Row>& rows, std::vector<Command>& out) {
  for (const Row& row : rows) {
    Command command{row.noun, row.verb, "", {}, row.example, row.summary, row.preset};
    if (*row.method != '\0') command.method = absl::StrCat(service, ".", row.method);
    for (const char* spec : row.args) command.args.emplace_back(spec);
    out.push_back(std::move(command));
  }
}

std::vector<Command> MakeCommands() {
  std::vector<Command> out;
  Append("ipt.scheduling.v1.ClinicService",
         {
             {"clinic",
              "create",
              "CreateClinic",
              {"CLINIC=clinic_id"},
              "clinic create north --display-name 'North Clinic' --time-zone Europe/London"},
             {"clinic", "get", "GetClinic", {"CLINIC=name"}, "clinic get clinics/north"},
             {"clinic", "list", "ListClinics", {}, "clinic list --all"},
             {"clinic",
              "update",
              "UpdateClinic",
              {"CLINIC=clinic.name"},
              "clinic update clinics/north --pause-cap-days 42 --no-show-uses-session"},
             {"holiday",
              "add",
              "CreateHolidays",
              {"CLINIC=parent", "DATE=holidays.date", "[DISPLAY-NAME]=holidays.display_name"},
              "holiday add clinics/north 2026-12-25 'Christmas Day'"},
             {"holiday",
              "list",
              "ListHolidays",
              {"CLINIC=parent"},
              "holiday list clinics/north --first-day 2026-12-01"},
             {"holiday",
              "delete",
              "DeleteHoliday",
              {"HOLIDAY=name"},
              "holiday delete clinics/north/holidays/2026-12-25"},
         },
         out);
  Append("ipt.scheduling.v1.TherapistService",
         {
             {"therapist",
              "create",
              "CreateTherapist",
              {"THERAPIST=parent+therapist_id"},
              "therapist create clinics/north/therapists/ana --display-name 'Ana Ortiz' "
              "--working-hours 'mon-fri 09:00-17:00' --session-minutes 50 --language en"},
             {"therapist",
              "get",
              "GetTherapist",
              {"THERAPIST=name"},
              "therapist get clinics/north/therapists/ana"},
             {"therapist",
              "list",
              "ListTherapists",
              {"CLINIC=parent"},
              "therapist list clinics/north --active-only --language es"},
             {"therapist",
              "update",
              "UpdateTherapist",
              {"THERAPIST=therapist.name"},
              "therapist update clinics/north/therapists/ana --working-hours 'mon,wed 10:00-18:00' "
              "--validate-only"},
             {"therapist",
              "deactivate",
              "DeactivateTherapist",
              {"THERAPIST=name"},
              "therapist deactivate clinics/north/therapists/ana --validate-only"},
             {"therapist",
              "activate",
              "ActivateTherapist",
              {"THERAPIST=name"},
              "therapist activate clinics/north/therapists/ana"},
             {"therapist",
              "calendar",
              "GetTherapistCalendar",
              {"THERAPIST=name"},
              "therapist calendar clinics/north/therapists/ana --first-day 2026-09-07 --days 14"},
             {"time-off",
              "add",
              "CreateTimeOff",
              {"THERAPIST=parent"},
              "time-off add clinics/north/therapists/ana --days 2026-08-03..2026-08-14 "
              "--reason leave"},
             {"time-off",
              "list",
              "ListTimeOff",
              {"THERAPIST=parent"},
              "time-off list clinics/north/therapists/ana --start-time now"},
             {"time-off",
              "delete",
              "DeleteTimeOff",
              {"TIME-OFF=name"},
              "time-off delete clinics/north/therapists/ana/timeOff/summer"},
             {"extra-hours",
              "add",
              "CreateExtraHours",
              {"THERAPIST=parent"},
              "extra-hours add clinics/north/therapists/ana --time 2026-12-05T09:00..13:00 "
              "--zone Europe/London"},
             {"extra-hours",
              "list",
              "ListExtraHours",
              {"THERAPIST=parent"},
              "extra-hours list clinics/north/therapists/ana"},
             {"extra-hours",
              "delete",
              "DeleteExtraHours",
              {"EXTRA-HOURS=name"},
              "extra-hours delete clinics/north/therapists/ana/extraHours/saturday"},
         },
         out);
  Append(
      "ipt.scheduling.v1.CourseService",
      {
          {"course",
           "show",
           "",
           {"COURSE=name"},
           "course show clinics/north/courses/c1",
           "Draws a course week by week: its sessions and their phases, pauses, today, the "
           "deadline, and whether it will end in time."},
          {"course",
           "create",
           "CreateCourse",
           {"COURSE=parent+course_id"},
           "course create clinics/north/courses/c1 --patient 'https://hospital.example/mrn|4711' "
           "--therapist clinics/north/therapists/ana --variant ipt-uk-16 "
           "--indication depression --modality video --preferred-windows 'mon-thu 09:00-12:00'"},
          {"course",
           "import",
           "ImportCourse",
           {"COURSE=parent+course_id"},
           "course import clinics/north/courses/c2 --patient 'https://hospital.example/mrn|4712' "
           "--therapist clinics/north/therapists/ana --zone Europe/London "
           "--past-session start-time=2026-06-01T09:00,outcome=attended "
           "--past-session start-time=2026-06-08T09:00,outcome=no-show "
           "--pause first-day=2026-06-15,last-day=2026-06-21,reason=illness"},
          {"course", "get", "GetCourse", {"COURSE=name"}, "course get clinics/north/courses/c1"},
          {"course",
           "batch-get",
           "BatchGetCourses",
           {"CLINIC=parent", "COURSE...=names"},
           "course batch-get clinics/north clinics/north/courses/c1 clinics/north/courses/c2"},
          {"course",
           "list",
           "ListCourses",
           {"CLINIC=parent"},
           "course list clinics/north --forecast-state at-risk --forecast-state infeasible"},
          {"course",
           "deadlines",
           "ListDeadlines",
           {"CLINIC=parent"},
           "course deadlines clinics/north --before 2027-01-01 --consistency fresh"},
          {"course",
           "update",
           "UpdateCourse",
           {"COURSE=course.name"},
           "course update clinics/north/courses/c1 --modality in-person --cadence-days 7"},
          {"course",
           "forecast",
           "GetCourseForecast",
           {"COURSE=name"},
           "course forecast clinics/north/courses/c1 --zone Europe/London"},
          {"course",
           "plan",
           "PlanCourse",
           {"COURSE=name"},
           "course plan clinics/north/courses/c1 --earliest-time 2026-09-07T00:00 "
           "--zone Europe/London"},
          {"course",
           "book-plan",
           "BookPlan",
           {"COURSE=name"},
           "course book-plan clinics/north/courses/c1 --from-plan --yes"},
          {"course",
           "pause",
           "PauseCourse",
           {"COURSE=name"},
           "course pause clinics/north/courses/c1 --first-day 2026-10-05 --last-day 2026-10-11 "
           "--reason illness --cancel-sessions"},
          {"course",
           "resume",
           "ResumeCourse",
           {"COURSE=name"},
           "course resume clinics/north/courses/c1 --resume-day 2026-10-09 --validate-only"},
          {"course",
           "extend",
           "ExtendCourse",
           {"COURSE=name"},
           "course extend clinics/north/courses/c1 --planned-sessions 18 --duration-weeks 18 "
           "--reason 'agreed at review'"},
          {"course",
           "shorten",
           "ShortenCourse",
           {"COURSE=name"},
           "course shorten clinics/north/courses/c1 --planned-sessions 12 "
           "--reason 'goals reached' --cancel-sessions"},
          {"course",
           "transfer",
           "TransferCourse",
           {"COURSE=name", "THERAPIST=therapist"},
           "course transfer clinics/north/courses/c1 clinics/north/therapists/ben "
           "--on-conflict cancel --validate-only"},
          {"course",
           "transfer-all",
           "TransferCourses",
           {"FROM-THERAPIST=from_therapist", "TO-THERAPIST=to_therapist"},
           "course transfer-all clinics/north/therapists/ana clinics/north/therapists/ben"},
          {"course",
           "complete",
           "CompleteCourse",
           {"COURSE=name"},
           "course complete clinics/north/courses/c1 --cancel-sessions"},
          {"course",
           "discontinue",
           "DiscontinueCourse",
           {"COURSE=name"},
           "course discontinue clinics/north/courses/c1 --reason agreed-early-finish"},
          {"course",
           "reopen",
           "ReopenCourse",
           {"COURSE=name"},
           "course reopen clinics/north/courses/c1 --reason 'completed by mistake'"},
          {"patient",
           "change-identifier",
           "ChangePatientIdentifier",
           {"CLINIC=parent", "FROM=from", "TO=to"},
           "patient change-identifier clinics/north 'https://hospital.example/mrn|4711' "
           "'https://hospital.example/mrn|8822'"},
          {"patient",
           "merge",
           "MergePatients",
           {"CLINIC=parent", "FROM=from", "INTO=into"},
           "patient merge clinics/north 'https://hospital.example/mrn|4711' "
           "'https://hospital.example/mrn|4712'"},
          {"variant", "list", "ListVariants", {}, "variant list"},
      },
      out);
  Append("ipt.scheduling.v1.SessionService",
         {
             {"session",
              "book",
              "BookSession",
              {"SESSION=parent+session_id"},
              "session book clinics/north/courses/c1 --start-time 2026-09-07T09:00 "
              "--zone Europe/London"},
             {"session",
              "get",
              "GetSession",
              {"SESSION=name"},
              "session get clinics/north/courses/c1/sessions/s1"},
             {"session",
              "list",
              "ListSessions",
              {"COURSE=parent"},
              "session list clinics/north --unrecorded-only --all"},
             {"session",
              "update",
              "UpdateSession",
              {"SESSION=session.name"},
              "session update clinics/north/courses/c1/sessions/s1 --modality video "
              "--location 'Room 4'"},
             {"session",
              "reschedule",
              "RescheduleSession",
              {"SESSION=name"},
              "session reschedule clinics/north/courses/c1/sessions/s1 "
              "--start-time 2026-09-08T10:00 --zone Europe/London --scope this-and-following "
              "--reason 'new job'"},
             {"session",
              "cancel",
              "CancelSession",
              {"SESSION=name"},
              "session cancel clinics/north/courses/c1/sessions/s1 --cancelled-by patient "
              "--reason 'ill'"},
             {"session",
              "attend",
              "RecordAttendance",
              {"SESSION=name", "[OUTCOME]=outcome"},
              "session attend clinics/north/courses/c1/sessions/s1 attended"},
             {"slots",
              "find",
              "FindSlots",
              {"CLINIC=parent"},
              "slots find clinics/north --start-time now --end-time +2w --variant ipt-uk-16 "
              "--zone Europe/London"},
         },
         out);
  Append("ipt.scheduling.v1.EventService",
         {
             {"events",
              "watch",
              "WatchEvents",
              {"CLINIC=parent"},
              "events watch clinics/north --kinds session-changed --cursor-file north.cursor"},
         },
         out);
  Append("ipt.scheduling.v1.ReminderService",
         {
             {"reminders",
              "policy",
              "GetReminderPolicy",
              {"CLINIC=clinic"},
              "reminders policy clinics/north --course clinics/north/courses/c1"},
             {"reminders",
              "set-policy",
              "UpdateReminderPolicy",
              {"CLINIC=clinic"},
              "reminders set-policy clinics/north --json '{\"policy\": "
              "{\"session_rules\": [{\"audience\": \"REMINDER_AUDIENCE_PATIENT\", "
              "\"minutes_before\": 2880, \"channels\": [\"REMINDER_CHANNEL_SMS\", "
              "\"REMINDER_CHANNEL_EMAIL\"], \"template\": \"session-reminder-days\"}]}}'"},
             {"reminders",
              "reset-policy",
              "ResetReminderPolicy",
              {"COURSE=course"},
              "reminders reset-policy clinics/north/courses/c1"},
             {"reminders",
              "preferences",
              "GetContactPreferences",
              {"CLINIC=parent", "PATIENT=patient"},
              "reminders preferences clinics/north 'https://hospital.example/mrn|4711'"},
             {"reminders",
              "set-preferences",
              "UpdateContactPreferences",
              {"CLINIC=parent", "PATIENT=patient"},
              "reminders set-preferences clinics/north 'https://hospital.example/mrn|4711' "
              "--opted-out sms --language cy"},
             {"reminders",
              "sending",
              "GetSending",
              {"CLINIC=clinic"},
              "reminders sending clinics/north"},
             {"reminders",
              "pause",
              "SetSending",
              {"CLINIC=clinic"},
              "reminders pause clinics/north --reason 'the gateway is being replaced'",
              "Stops all sending of a clinic until it is resumed.",
              {{"paused", "true"}}},
             {"reminders",
              "resume",
              "SetSending",
              {"CLINIC=clinic"},
              "reminders resume clinics/north --max-per-minute 600",
              "Lets a clinic send again; a cap spreads what has waited.",
              {{"paused", "false"}}},
             {"reminders",
              "get",
              "GetReminder",
              {"REMINDER=name"},
              "reminders get clinics/north/reminders/0f8fad5b-d9cb-469f-a165-70867728950e"},
             {"reminders",
              "list",
              "ListReminders",
              {"CLINIC=parent"},
              "reminders list clinics/north --state dead --all"},
             {"reminders",
              "preview",
              "PreviewReminders",
              {"COURSE=course"},
              "reminders preview clinics/north/courses/c1 --zone Europe/London"},
             {"reminders",
              "test",
              "TestReminder",
              {"COURSE=course"},
              "reminders test clinics/north/courses/c1 --channel email --template "
              "session-reminder-days"},
             {"reminders",
              "replay",
              "ReplayReminder",
              {"REMINDER=name"},
              "reminders replay clinics/north/reminders/0f8fad5b-d9cb-469f-a165-70867728950e"},
             {"reminders",
              "drop",
              "DropReminder",
              {"REMINDER=name"},
              "reminders drop clinics/north/reminders/0f8fad5b-d9cb-469f-a165-70867728950e "
              "--reason 'told by telephone'"},
             {"reminders",
              "note-findings",
              "NoteCourseFindings",
              {"COURSE=course"},
              "reminders note-findings clinics/north/courses/c1 --json '{\"findings\": "
              "[{\"finding_id\": \"FOCUS_NOT_AGREED\", \"severity\": "
              "\"COURSE_FINDING_SEVERITY_OVERDUE\", \"since_date\": {\"year\": 2026, "
              "\"month\": 7, \"day\": 7}}]}'"},
             {"reminders",
              "replay-many",
              "ListReminders",
              {"CLINIC=parent"},
              "reminders replay-many clinics/north --because PROVIDER_TIMEOUT --yes",
              "Gives many dead letters of a clinic new attempts. All of them, or those that the "
              "flags name; shows them and asks first. Those that are too late, or tell no longer "
              "what is so, are refused one by one and stay.",
              {{"states", "dead"}}},
             {"reminders",
              "drop-many",
              "ListReminders",
              {"CLINIC=parent"},
              "reminders drop-many clinics/north --because rejected --note 'no mobile numbers' "
              "--yes",
              "Takes many dead letters of a clinic out of the queue for good. All of them, or "
              "those that the flags name; shows them and asks first.",
              {{"states", "dead"}}},
             {"reminders",
              "queue",
              "GetReminderQueue",
              {"CLINIC=clinic"},
              "reminders queue clinics/north"},
             {"reminders",
              "watch",
              "GetReminderQueue",
              {"CLINIC=clinic"},
              "reminders watch clinics/north --zone Europe/London --count 100",
              "Watches a clinic's queue live, until Ctrl-C. Shows the counts and what they changed "
              "by, whether and how fast it sends, how late the oldest due reminder is, what is "
              "due next, leased and dead. Drawn in place on a terminal; elsewhere, and with "
              "--output json, a "
              "line a look, without the reminders. The reminders are read again when a count has "
              "changed, at the latest after 10 s; each reading is audited."},
         },
         out);
  Append("ipt.scheduling.v1.DeliveryService",
         {
             {"delivery",
              "lease",
              "LeaseReminders",
              {"CLINIC=clinic"},
              "delivery lease clinics/north --max-reminders 10 --lease-duration 60s"},
             {"delivery",
              "complete",
              "CompleteReminders",
              {"CLINIC=clinic"},
              "delivery complete clinics/north --json '{\"completions\": [{\"reminder\": "
              "\"clinics/north/reminders/r1\", \"lease_token\": 7, \"outcome\": "
              "\"ATTEMPT_OUTCOME_SENT\"}]}'"},
             {"delivery",
              "extend",
              "ExtendLeases",
              {"CLINIC=clinic"},
              "delivery extend clinics/north --lease-duration 120s --json '{\"leases\": "
              "[{\"reminder\": \"clinics/north/reminders/r1\", \"lease_token\": 7}]}'"},
             {"delivery",
              "report",
              "ReportDeliveries",
              {"CLINIC=clinic"},
              "delivery report clinics/north --json '{\"reports\": [{\"reminder\": "
              "\"clinics/north/reminders/r1\", \"outcome\": \"DELIVERY_OUTCOME_DELIVERED\"}]}'"},
         },
         out);
  Append("ipt.outcomes.v1.InstrumentService",
         {
             {"instrument",
              "list",
              "ListInstruments",
              {"CLINIC=parent"},
              "instrument list clinics/north --construct depression"},
             {"instrument",
              "get",
              "GetInstrument",
              {"INSTRUMENT=name"},
              "instrument get clinics/north/instruments/phq-9"},
             {"instrument",
              "register",
              "RegisterInstrument",
              {"INSTRUMENT=parent+instrument_id"},
              "instrument register clinics/north/instruments/mood --json '{\"instrument\": "
              "{\"display_name\": \"Mood\"}}' --validate-only"},
             {"instrument",
              "retire",
              "RetireInstrument",
              {"INSTRUMENT=name"},
              "instrument retire clinics/north/instruments/mood --reason 'replaced by PHQ-9'"},
             {"instrument",
              "reinstate",
              "ReinstateInstrument",
              {"INSTRUMENT=name"},
              "instrument reinstate clinics/north/instruments/mood"},
         },
         out);
  Append("ipt.outcomes.v1.MeasurementService",
         {
             {"measurement",
              "record",
              "RecordMeasurement",
              {"MEASUREMENT=parent+measurement_id"},
              "measurement record clinics/north/courses/c1 --json '{\"measurement\": "
              "{\"instrument\": \"clinics/north/instruments/phq-2\", \"respondent\": "
              "\"RESPONDENT_SELF\", \"answers\": {\"answers\": [{\"item\": \"q1\", "
              "\"value\": 2}, {\"item\": \"q2\", \"value\": 1}]}}}'"},
             {"measurement",
              "get",
              "GetMeasurement",
              {"MEASUREMENT=name"},
              "measurement get clinics/north/courses/c1/measurements/m1"},
             {"measurement",
              "list",
              "ListMeasurements",
              {"COURSE=parent"},
              "measurement list clinics/north/courses/c1 --newest-first --all"},
             {"measurement",
              "revisions",
              "ListMeasurementRevisions",
              {"MEASUREMENT=parent"},
              "measurement revisions clinics/north/courses/c1/measurements/m1"},
             {"measurement",
              "correct",
              "CorrectMeasurement",
              {"MEASUREMENT=measurement.name"},
              "measurement correct clinics/north/courses/c1/measurements/m1 "
              "--complete-time 2026-11-02T09:40Z --reason 'the paper says so'"},
             {"measurement",
              "take-back",
              "MarkMeasurementEnteredInError",
              {"MEASUREMENT=name", "REASON=reason"},
              "measurement take-back clinics/north/courses/c1/measurements/m1 wrong-patient"},
         },
         out);
  Append("ipt.outcomes.v1.MeasurementPlanService",
         {
             {"measurement",
              "due",
              "ListDueMeasurements",
              {"COURSE=parent"},
              "measurement due clinics/north/courses/- --state overdue --all"},
             {"plan",
              "list",
              "ListMeasurementPlans",
              {"CLINIC=parent"},
              "plan list clinics/north --all"},
             {"plan",
              "get",
              "GetMeasurementPlan",
              {"PLAN=name"},
              "plan get clinics/north/measurementPlans/standard"},
             {"plan",
              "create",
              "CreateMeasurementPlan",
              {"PLAN=parent+measurement_plan_id"},
              "plan create clinics/north/measurementPlans/standard --json '{\"measurementPlan\": "
              "{\"displayName\": \"Standard\", \"rules\": [{\"id\": \"weekly\", "
              "\"instrument\": \"clinics/north/instruments/phq-9\", "
              "\"timing\": \"PLAN_TIMING_EVERY_SESSION\"}]}}'"},
             {"plan",
              "update",
              "UpdateMeasurementPlan",
              {"PLAN=measurement_plan.name"},
              "plan update clinics/north/measurementPlans/standard --display-name 'All courses'"},
             {"plan",
              "delete",
              "DeleteMeasurementPlan",
              {"PLAN=name"},
              "plan delete clinics/north/measurementPlans/standard"},
             {"plan",
              "of-course",
              "GetCourseMeasurementPlan",
              {"COURSE=course"},
              "plan of-course clinics/north/courses/c1"},
             {"plan",
              "set-course",
              "UpdateCourseMeasurementPlan",
              {"COURSE=course"},
              "plan set-course clinics/north/courses/c1 --json '{\"measurementPlan\": "
              "{\"rules\": [{\"id\": \"monthly\", "
              "\"instrument\": \"clinics/north/instruments/phq-9\", "
              "\"timing\": \"PLAN_TIMING_EVERY_WEEKS\", \"weeks\": 4}]}}'"},
             {"plan",
              "reset-course",
              "ResetCourseMeasurementPlan",
              {"COURSE=course"},
              "plan reset-course clinics/north/courses/c1"},
         },
         out);
  Append(
      "ipt.outcomes.v1.MeasurementBulkService",
      {
          {"measurement",
           "import",
           "ImportMeasurements",
           {"CLINIC=open.parent", "FILE="},
           "measurement import clinics/north forms.csv --validate-only",
           "Brings in measurements in bulk from FILE, CSV with a heading: a line a row, a column "
           "an item (item.q1). What breaks off goes on with --resume. A row that fails is "
           "written to FILE.errors.csv, and stops no other."},
          {"measurement",
           "get-import",
           "GetMeasurementImport",
           {"IMPORT=name"},
           "measurement get-import "
           "clinics/north/measurementImports/7d3c6a52-0b1f-4f3e-9a55-1f2f0c2d9e10"},
          {"measurement",
           "export",
           "ExportMeasurements",
           {"CLINIC=parent"},
           "measurement export clinics/north --format csv "
           "--instrument clinics/north/instruments/phq-9 --to phq-9.csv"},
      },
      out);
  Append("ipt.outcomes.v1.AlertService",
         {
             {"alert",
              "list",
              "ListAlerts",
              {"COURSE=parent"},
              "alert list clinics/north/courses/- --state open --state escalated --all"},
             {"alert",
              "get",
              "GetAlert",
              {"ALERT=name"},
              "alert get clinics/north/courses/c1/alerts/a1"},
             {"alert",
              "acknowledge",
              "AcknowledgeAlert",
              {"ALERT=name"},
              "alert acknowledge clinics/north/courses/c1/alerts/a1 --note 'calling now'"},
             {"alert",
              "resolve",
              "ResolveAlert",
              {"ALERT=name", "OUTCOME=outcome"},
              "alert resolve clinics/north/courses/c1/alerts/a1 risk-assessed --note 'seen today'"},
             {"alert",
              "escalate",
              "EscalateAlert",
              {"ALERT=name"},
              "alert escalate clinics/north/courses/c1/alerts/a1 --desk crisis-team "
              "--reason 'not reached'"},
             {"alert",
              "reassign",
              "ReassignAlert",
              {"ALERT=name"},
              "alert reassign clinics/north/courses/c1/alerts/a1 "
              "--therapist clinics/north/therapists/ben --reason 'on leave'"},
             {"alert",
              "reopen",
              "ReopenAlert",
              {"ALERT=name"},
              "alert reopen clinics/north/courses/c1/alerts/a1 --reason 'resolved by mistake'"},
             {"alert",
              "watch",
              "WatchAlerts",
              {"CLINIC=parent"},
              "alert watch clinics/north --listener duty-desk --include-open"},
             {"alert",
              "coverage",
              "GetAlertCoverage",
              {"CLINIC=clinic"},
              "alert coverage clinics/north"},
             {"alert",
              "routing",
              "GetAlertRouting",
              {"CLINIC=clinic"},
              "alert routing clinics/north --therapist clinics/north/therapists/ana"},
             {"alert",
              "routings",
              "ListAlertRoutings",
              {"CLINIC=parent"},
              "alert routings clinics/north --all"},
             {"alert",
              "set-routing",
              "UpdateAlertRouting",
              {"CLINIC=clinic"},
              "alert set-routing clinics/north --json '{\"routing\": {\"cover\": [{\"desk\": "
              "\"duty\"}], \"steps\": [{\"after_minutes\": 15, \"to\": {\"desk\": "
              "\"crisis\"}}]}}'"},
             {"alert",
              "reset-routing",
              "ResetAlertRouting",
              {"THERAPIST=therapist"},
              "alert reset-routing clinics/north/therapists/ana"},
         },
         out);
  Append("ipt.outcomes.v1.OutcomeService",
         {
             {"outcomes",
              "trajectory",
              "GetTrajectory",
              {"COURSE=course"},
              "outcomes trajectory clinics/north/courses/c1 --output json"},
             {"outcomes",
              "chart",
              "GetTrajectory",
              {"COURSE=course"},
              "outcomes chart clinics/north/courses/c1 --html c1.html --svg c1.svg",
              "Draws what GetTrajectory returns over time, beneath the course's phases, sessions, "
              "signals to review and alerts: a chart a measure, with its bands, its cut-off and "
              "what is no reliable change. On the terminal, or into files that are whole by "
              "themselves. Says what could not be had from scheduling, and draws the rest. It "
              "holds patient data, and no patient's name."},
             {"outcomes",
              "result",
              "GetCourseResult",
              {"COURSE=course"},
              "outcomes result clinics/north/courses/c1"},
         },
         out);
  Append("ipt.outcomes.v1.OutcomePolicyService",
         {
             {"outcomes",
              "policy",
              "GetOutcomePolicy",
              {"CLINIC=clinic"},
              "outcomes policy clinics/north"},
             {"outcomes",
              "set-policy",
              "UpdateOutcomePolicy",
              {"CLINIC=clinic"},
              "outcomes set-policy clinics/north --duplicate-minutes 720 --validate-only"},
         },
         out);
  Append("ipt.outcomes.v1.ReportService",
         {
             {"report",
              "get",
              "GetClinicReport",
              {"CLINIC=clinic"},
              "report get clinics/north --first-date 2026-01-01 --last-date 2026-12-31 "
              "--group-by therapist"},
             {"report",
              "csv",
              "StreamClinicReport",
              {"CLINIC=clinic"},
              "report csv clinics/north --first-date 2026-01-01 --last-date 2026-12-31"},
         },
         out);
  Append("ipt.outcomes.v1.EventService",
         {
             {"outcomes",
              "watch",
              "WatchEvents",
              {"CLINIC=parent"},
              "outcomes watch clinics/north --kinds alert-raised --cursor-file north.outcomes"},
         },
         out);
  Append("ipt.formulation.v1.InventoryService",
         {
             {"inventory",
              "get",
              "GetInterpersonalInventory",
              {"COURSE=course"},
              "inventory get clinics/north/courses/c1 --output json"},
             {"relationship",
              "add",
              "CreateRelationship",
              {"RELATIONSHIP=parent+relationship_id"},
              "relationship add clinics/north/courses/c1 --display-name 'M., sister' "
              "--kind sibling --closeness-circle 1 --quality supportive --start-date 1990"},
             {"relationship",
              "get",
              "GetRelationship",
              {"RELATIONSHIP=name"},
              "relationship get clinics/north/courses/c1/relationships/r1"},
             {"relationship",
              "list",
              "ListRelationships",
              {"COURSE=parent"},
              "relationship list clinics/north/courses/c1 --statuses current --all"},
             {"relationship",
              "update",
              "UpdateRelationship",
              {"RELATIONSHIP=relationship.name"},
              "relationship update clinics/north/courses/c1/relationships/r1 --quality mixed "
              "--expectation holder=patient,text='a call a week',fulfilment=unmet"},
             {"relationship",
              "delete",
              "DeleteRelationship",
              {"RELATIONSHIP=name"},
              "relationship delete clinics/north/courses/c1/relationships/r1"},
             {"life-event",
              "add",
              "CreateLifeEvent",
              {"LIFE-EVENT=parent+life_event_id"},
              "life-event add clinics/north/courses/c1 --kind loss-by-death "
              "--display-name 'Death of father' --start-date 2026-03 "
              "--relationship clinics/north/courses/c1/relationships/r2 --impact -5"},
             {"life-event",
              "get",
              "GetLifeEvent",
              {"LIFE-EVENT=name"},
              "life-event get clinics/north/courses/c1/lifeEvents/e1"},
             {"life-event",
              "list",
              "ListLifeEvents",
              {"COURSE=parent"},
              "life-event list clinics/north/courses/c1 --kind symptom-onset --all"},
             {"life-event",
              "update",
              "UpdateLifeEvent",
              {"LIFE-EVENT=life_event.name"},
              "life-event update clinics/north/courses/c1/lifeEvents/e1 --start-date ~2026-03-12"},
             {"life-event",
              "delete",
              "DeleteLifeEvent",
              {"LIFE-EVENT=name"},
              "life-event delete clinics/north/courses/c1/lifeEvents/e1"},
         },
         out);
  Append("ipt.formulation.v1.ProblemAreaService",
         {
             {"problem-area",
              "add",
              "CreateProblemArea",
              {"PROBLEM-AREA=parent+problem_area_id"},
              "problem-area add clinics/north/courses/c1 --kind grief "
              "--display-name 'Losing Dad' --patient-severity 8 --rank 1 "
              "--evidence criterion=DEATH_OF_SOMEONE_CLOSE,finding=present"},
             {"problem-area",
              "get",
              "GetProblemArea",
              {"PROBLEM-AREA=name"},
              "problem-area get clinics/north/courses/c1/problemAreas/dad"},
             {"problem-area",
              "list",
              "ListProblemAreas",
              {"COURSE=parent"},
              "problem-area list clinics/north/courses/c1"},
             {"problem-area",
              "update",
              "UpdateProblemArea",
              {"PROBLEM-AREA=problem_area.name"},
              "problem-area update clinics/north/courses/c1/problemAreas/job "
              "--role-dispute.stage impasse"},
             {"problem-area",
              "delete",
              "DeleteProblemArea",
              {"PROBLEM-AREA=name"},
              "problem-area delete clinics/north/courses/c1/problemAreas/job"},
         },
         out);
  Append(
      "ipt.formulation.v1.GoalService",
      {
          {"goal",
           "add",
           "CreateGoal",
           {"GOAL=parent+goal_id"},
           "goal add clinics/north/courses/c1 --description 'Talk with my brother about Dad' "
           "--problem-area clinics/north/courses/c1/problemAreas/dad"},
          {"goal", "get", "GetGoal", {"GOAL=name"}, "goal get clinics/north/courses/c1/goals/g1"},
          {"goal",
           "list",
           "ListGoals",
           {"COURSE=parent"},
           "goal list clinics/north/courses/c1 --state active --all"},
          {"goal",
           "update",
           "UpdateGoal",
           {"GOAL=goal.name"},
           "goal update clinics/north/courses/c1/goals/g1 --target-date 2026-12-18"},
          {"goal",
           "change-state",
           "ChangeGoalState",
           {"GOAL=name", "STATE=state"},
           "goal change-state clinics/north/courses/c1/goals/g1 achieved"},
          {"goal",
           "delete",
           "DeleteGoal",
           {"GOAL=name"},
           "goal delete clinics/north/courses/c1/goals/g1"},
          {"goal",
           "rate",
           "RateGoal",
           {"GOAL=goal", "VALUE=rating.value"},
           "goal rate clinics/north/courses/c1/goals/g1 6 --rater patient --rated-on 2026-11-23"},
          {"goal",
           "ratings",
           "ListGoalRatings",
           {"GOAL=parent"},
           "goal ratings clinics/north/courses/c1/goals/- --rater patient --all"},
          {"goal",
           "delete-rating",
           "DeleteGoalRating",
           {"RATING=name"},
           "goal delete-rating clinics/north/courses/c1/goals/g1/ratings/r1"},
      },
      out);
  Append(
      "ipt.formulation.v1.FormulationService",
      {
          {"formulation",
           "get",
           "GetFormulation",
           {"COURSE=course"},
           "formulation get clinics/north/courses/c1 --output json"},
          {"formulation",
           "show",
           "GetFormulation",
           {"COURSE=course"},
           "formulation show clinics/north/courses/c1 --html c1.html",
           "Shows a course's formulation as it is read: phase, focus and the evidence for it, both "
           "narratives, what ties symptoms, events, areas and goals together, goals with their "
           "ratings, the contract, the agreement, what stands out. On the terminal, or into a page "
           "that is whole by itself and has the closeness circles and the timeline, too. Says what "
           "could not be had, and shows the rest. It holds what was said of the patient and of "
           "third persons."},
          {"formulation",
           "save",
           "SaveFormulationDraft",
           {"COURSE=course"},
           "formulation save clinics/north/courses/c1 --etag '\"11\"' "
           "--patient-narrative 'It began when your father died.' "
           "--focus problem-area=clinics/north/courses/c1/problemAreas/dad "
           "--on-conflict return-both"},
          {"formulation",
           "propose",
           "ProposeFormulation",
           {"COURSE=course", "ETAG=etag"},
           "formulation propose clinics/north/courses/c1 '\"12\"'"},
          {"formulation",
           "withdraw",
           "WithdrawProposal",
           {"COURSE=course", "ETAG=etag"},
           "formulation withdraw clinics/north/courses/c1 '\"13\"' --reason 'the second goal is "
           "not "
           "his'"},
          {"formulation",
           "agree",
           "AgreeFormulation",
           {"COURSE=course", "ETAG=etag"},
           "formulation agree clinics/north/courses/c1 '\"13\"' --agreed-on 2026-11-23 --agreed-by "
           "patient "
           "--mode in-session --session clinics/north/courses/c1/sessions/s4"},
          {"formulation",
           "revise",
           "ReviseFormulation",
           {"COURSE=course", "ETAG=etag", "REASON=reason"},
           "formulation revise clinics/north/courses/c1 '\"14\"' focus-changed"},
          {"formulation",
           "discard",
           "DiscardFormulationDraft",
           {"COURSE=course", "ETAG=etag"},
           "formulation discard clinics/north/courses/c1 '\"15\"'"},
          {"formulation",
           "revisions",
           "ListFormulationRevisions",
           {"COURSE=parent"},
           "formulation revisions clinics/north/courses/c1 --all"},
          {"formulation",
           "get-revision",
           "GetFormulationRevision",
           {"REVISION=name"},
           "formulation get-revision clinics/north/courses/c1/formulation/revisions/1"},
          {"formulation",
           "diff",
           "DiffFormulationRevisions",
           {"FROM=from_revision", "TO=to_revision"},
           "formulation diff clinics/north/courses/c1/formulation/revisions/1 "
           "clinics/north/courses/c1/formulation/revisions/draft"},
          {"formulation",
           "patient-copy",
           "GetPatientCopy",
           {"COURSE=course"},
           "formulation patient-copy clinics/north/courses/c1"},
          {"formulation",
           "focuses",
           "ListCourseFocuses",
           {"CLINIC=parent"},
           "formulation focuses clinics/north --kind role-dispute --primary-only --all"},
      },
      out);
  Append("ipt.formulation.v1.FormulationPolicyService",
         {
             {"formulation",
              "policy",
              "GetFormulationPolicy",
              {"CLINIC=clinic"},
              "formulation policy clinics/north"},
             {"formulation",
              "set-policy",
              "UpdateFormulationPolicy",
              {"CLINIC=clinic"},
              "formulation set-policy clinics/north --tradition IPT_UK --focus-by-session 4 "
              "--validate-only"},
         },
         out);
  Append("ipt.formulation.v1.EventService",
         {
             {"formulation",
              "watch",
              "WatchEvents",
              {"CLINIC=parent"},
              "formulation watch clinics/north --kinds formulation-agreed "
              "--cursor-file north.formulation"},
         },
         out);
  Append(
      "ipt.formulation.v1.ProtocolService",
      {
          {"protocol",
           "list",
           "ListProtocols",
           {"CLINIC=parent"},
           "protocol list clinics/north --in-use-only --all"},
          {"protocol",
           "get",
           "GetProtocol",
           {"PROTOCOL=name"},
           "protocol get clinics/north/protocols/ipt-uk-16--ipt-uk --output json"},
          {"guide",
           "get",
           "GetSessionGuide",
           {"SESSION=session"},
           "guide get clinics/north/courses/c1/sessions/s5 --output json"},
          {"guide",
           "show",
           "",
           {"COURSE=", "[SESSION]="},
           "guide show clinics/north/courses/c1 s5",
           "Shows what the protocol offers for a session as a page to have beside one. Where the "
           "course is, tasks due and overdue, strategies and questions of the focus, techniques, "
           "measures due, what stands out. SESSION is a session of COURSE, by its id or its "
           "name; left out, the next one that is booked, else the last one held."},
          {"session-work",
           "record",
           "RecordSessionWork",
           {"SESSION=session"},
           "session-work record clinics/north/courses/c1/sessions/s5 "
           "--task task=INTERPERSONAL_INVENTORY,state=done "
           "--technique COMMUNICATION_ANALYSIS --tryouts-agreed 'write to J.'"},
          {"session-work",
           "get",
           "GetSessionWork",
           {"SESSION=session"},
           "session-work get clinics/north/courses/c1/sessions/s5"},
          {"session-work",
           "list",
           "ListSessionWork",
           {"COURSE=parent"},
           "session-work list clinics/north/courses/c1 --phase middle --all"},
          {"termination",
           "get",
           "GetTermination",
           {"COURSE=course"},
           "termination get clinics/north/courses/c1"},
          {"termination",
           "update",
           "UpdateTermination",
           {"COURSE=course"},
           "termination update clinics/north/courses/c1 --early-warning-sign 'lying awake' "
           "--plan-step 'call S.' --contact display-name='GP practice' "
           "--plan-given-on 2026-12-11"},
          {"adherence",
           "get",
           "GetProtocolAdherence",
           {"COURSE=course"},
           "adherence get clinics/north/courses/c1"},
          {"finding",
           "list",
           "ListFindings",
           {"COURSE=parent"},
           "finding list clinics/north/courses/- --least-severity overdue --all"},
      },
      out);
  Append("ipt.audit.v1.AuditService",
         {
             {"audit",
              "list",
              "ListAuditEntries",
              {"CLINIC=parent"},
              "audit list clinics/north --resource clinics/north/courses/c1 --all"},
         },
         out);
  return out;
}

void AddOnce(const std::string& word, std::vector<std::string>& words) {
  if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
}

}  // namespace

const std::vector<Command>& Commands() {
  static const auto* const commands = new std::vector<Command>(MakeCommands());
  return *commands;
}

const Command* FindCommand(absl::string_view noun, absl::string_view verb) {
  for (const Command& command : Commands()) {
    if (command.noun == noun && command.verb == verb) return &command;
  }
  return nullptr;
}

const Command* FindCommandOf(absl::string_view method) {
  for (const Command& command : Commands()) {
    if (!command.method.empty() && command.method == method) return &command;
  }
  return nullptr;
}

std::vector<std::string> Nouns() {
  std::vector<std::string> nouns;
  for (const Command& command : Commands()) AddOnce(command.noun, nouns);
  return nouns;
}

std::vector<std::string> VerbsOf(absl::string_view noun) {
  std::vector<std::string> verbs;
  for (const Command& command : Commands()) {
    if (command.noun == noun) AddOnce(command.verb, verbs);
  }
  return verbs;
}

std::string SummaryOf(const Command& command) {
  const MethodDescriptor* method = FindMethod(command.method);
  return method == nullptr || !command.summary.empty() ? command.summary : CommentOf(*method);
}

}  // namespace ipt::ctl
