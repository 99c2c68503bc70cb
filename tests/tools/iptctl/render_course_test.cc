#include "iptctl/render_course.h"

#include <algorithm>
#include <tuple>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "iptctl/course_weeks.h"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

void PutDay(google::type::Date* out, absl::CivilDay day) {
  out->set_year(static_cast<int>(day.year()));
  out->set_month(day.month());
  out->set_day(day.day());
}

// A course as a server would send it: weekly, at one wall-clock time, from `first` on.
class Picture {
 public:
  Picture(const char* zone, absl::CivilSecond first, int planned = 16) : first_(first) {
    EXPECT_TRUE(absl::LoadTimeZone(zone, &zone_));
    course_.set_name("clinics/north/courses/c1");
    course_.set_therapist("clinics/north/therapists/ana");
    course_.mutable_patient()->set_value("SECRET-4711");
    course_.set_variant("ipt-uk-16");
    course_.set_state(v1::COURSE_STATE_ACTIVE);
    course_.set_planned_sessions(planned);
    course_.set_duration_weeks(planned);
    course_.set_cadence_days(7);
    course_.set_session_minutes(50);
    course_.set_modality(v1::MODALITY_VIDEO);
    course_.set_time_zone(zone);
    PutDay(progress().mutable_start_date(), absl::CivilDay(first));
    SetDeadline(absl::CivilDay(first) + 7 * planned - 1);
    Phase(v1::PHASE_INITIAL, 1, 4);
    Phase(v1::PHASE_MIDDLE, 5, planned - 4);
    Phase(v1::PHASE_TERMINATION, planned - 3, planned);
    forecast().set_state(v1::FORECAST_STATE_ON_TRACK);
  }

  v1::Course& course() { return course_; }
  v1::CourseProgress& progress() { return *course_.mutable_progress(); }
  v1::Forecast& forecast() { return *course_.mutable_forecast(); }

  void SetDeadline(absl::CivilDay day) { PutDay(progress().mutable_deadline_date(), day); }

  absl::Time At(absl::CivilSecond local) const { return absl::FromCivil(local, zone_); }

  v1::Session& Add(absl::CivilSecond local, v1::SessionState state, int number) {
    v1::Session session;
    session.set_state(state);
    session.set_session_number(number);
    session.set_phase(number == 0    ? v1::PHASE_UNSPECIFIED
                      : number <= 4  ? v1::PHASE_INITIAL
                      : number <= 12 ? v1::PHASE_MIDDLE
                                     : v1::PHASE_TERMINATION);
    session.mutable_start_time()->set_seconds(absl::ToUnixSeconds(At(local)));
    session.mutable_end_time()->set_seconds(absl::ToUnixSeconds(At(local)) + 3000);
    sessions_.push_back(session);
    return sessions_.back();
  }
  // Week `week` of the pattern, from 1.
  absl::CivilSecond Week(int week) const {
    return absl::CivilSecond(absl::CivilDay(first_) + 7 * (week - 1)) +
           (first_ - absl::CivilSecond(absl::CivilDay(first_)));
  }
  void Project(absl::CivilSecond local, int number) {
    auto* session = forecast().add_sessions();
    session->set_session_number(number);
    session->mutable_start_time()->set_seconds(absl::ToUnixSeconds(At(local)));
  }
  void Pause(absl::CivilDay first, absl::CivilDay last, v1::PauseReason reason) {
    auto* pause = course_.add_pauses();
    PutDay(pause->mutable_first_day(), first);
    PutDay(pause->mutable_last_day(), last);
    pause->set_reason(reason);
    progress().set_pause_days(progress().pause_days() + static_cast<int>(last - first) + 1);
  }

  std::string Draw(absl::CivilSecond now, bool ascii = false, bool color = false) const {
    CourseStyle style;
    style.ascii = ascii;
    style.paint.on = color;
    return RenderCourse(course_, sessions_, course_.has_forecast() ? &course_.forecast() : nullptr,
                        At(now), style);
  }
  CourseWeeks LayOut(absl::CivilSecond now) const {
    return LayOutCourse(course_, sessions_, course_.has_forecast() ? &course_.forecast() : nullptr,
                        At(now));
  }

 private:
  void Phase(v1::Phase phase, int first, int last) {
    auto* span = progress().add_phases();
    span->set_phase(phase);
    span->set_first_session(first);
    span->set_last_session(last);
  }

  const absl::CivilSecond first_;
  absl::TimeZone zone_;
  v1::Course course_;
  std::vector<v1::Session> sessions_;
};

// A course in its ninth week: a pause, a no-show, a moved session, a rebooked one, both clock
// changes' autumn, three sessions still to book.
Picture MidCourse() {
  Picture p("Europe/London", absl::CivilSecond(2026, 8, 5, 9, 0, 0));
  int number = 0;
  for (int week = 1; week <= 4; ++week) {
    auto& session = p.Add(p.Week(week), v1::SESSION_STATE_ATTENDED, ++number);
    if (week == 3) {
      session.mutable_attendance()->set_outcome(v1::ATTENDANCE_OUTCOME_ATTENDED_LATE);
    }
  }
  p.Add(p.Week(5), v1::SESSION_STATE_NO_SHOW, 0);
  p.Pause(absl::CivilDay(2026, 9, 7), absl::CivilDay(2026, 9, 13), v1::PAUSE_REASON_ILLNESS);
  p.Add(absl::CivilSecond(2026, 9, 9, 9, 0, 0), v1::SESSION_STATE_CANCELLED, 0);
  p.Add(p.Week(7), v1::SESSION_STATE_ATTENDED, ++number);
  p.Add(absl::CivilSecond(2026, 9, 24, 14, 30, 0), v1::SESSION_STATE_ATTENDED, ++number);
  p.Add(p.Week(9), v1::SESSION_STATE_BOOKED, ++number);
  for (int week = 10; week <= 14; ++week) p.Add(p.Week(week), v1::SESSION_STATE_BOOKED, ++number);
  for (int week = 15; week <= 18; ++week) p.Project(p.Week(week), ++number);
  p.SetDeadline(absl::CivilDay(2026, 12, 1));
  auto& progress = p.progress();
  progress.set_week_number(8);
  progress.set_days_left(62);
  progress.set_attended_sessions(6);
  progress.set_used_sessions(6);
  progress.set_booked_sessions(6);
  progress.set_unbooked_sessions(4);
  progress.set_next_session_number(7);
  progress.set_phase(v1::PHASE_MIDDLE);
  progress.mutable_next_session_time()->set_seconds(
      absl::ToUnixSeconds(p.At(absl::CivilSecond(2026, 10, 7, 9, 0, 0))));
  PutDay(progress.mutable_mid_course_review_date(), absl::CivilDay(2026, 10, 7));
  p.forecast().set_state(v1::FORECAST_STATE_INFEASIBLE);
  p.forecast().set_sessions_left(10);
  p.forecast().set_slack_days(-1);
  PutDay(p.forecast().mutable_projected_finish_date(), absl::CivilDay(2026, 12, 2));
  p.forecast().add_reasons(v1::FORECAST_REASON_BEHIND_CADENCE);
  p.forecast().add_reasons(v1::FORECAST_REASON_PAUSE);
  return p;
}

constexpr absl::CivilSecond kMidNow(2026, 9, 30, 12, 0, 0);

// What both kinds of characters must keep.
void ExpectFits(const std::string& drawing) {
  for (absl::string_view line : absl::StrSplit(drawing, '\n')) {
    EXPECT_LE(DisplayWidth(line), 100) << line;
    EXPECT_FALSE(!line.empty() && line.back() == ' ') << "[" << line << "]";
  }
}

// The lines of the table of weeks alone.
std::vector<std::string> WeekLines(const std::string& drawing) {
  const size_t head = drawing.find("week  Monday");
  if (head == std::string::npos) return {};
  const size_t begin = drawing.find('\n', head) + 1;
  return absl::StrSplit(drawing.substr(begin, drawing.find("\n\n", begin) - begin), '\n');
}

TEST(RenderCourseTest, DrawsACourseUnderWay) {
  const std::string drawing = MidCourse().Draw(kMidNow);
  ExpectFits(drawing);
  EXPECT_EQ("\n" + drawing, R"(
clinics/north/courses/c1                                                                      ACTIVE
clinics/north/therapists/ana · ipt-uk-16 · weekly · 50 min · video · Europe/London
────────────────────────────────────────────────────────────────────────────────────────────────────
Session   6 of 16  ●●●●●●○○○○○○····  next: middle phase, Wed 2026-10-07 09:00 BST, 4 to book
Week      8 of 16  ■■■■■■■■□□□□□□□□  deadline Tue 2026-12-01, 62 days left, moved 7 days by pauses
Forecast  INFEASIBLE: would finish Wed 2026-12-02, 1 day after the deadline
          because: behind cadence, pause

week  Monday      phase         Mon   Tue   Wed   Thu   Fri   Sat   Sun
   1  2026-08-03  initial                    1●
   2  2026-08-10  initial                    2●
   3  2026-08-17  initial                    3◐
   4  2026-08-24  initial                    4●
   5  2026-08-31                              ✗
      2026-09-07              ░░░░░░░░░░░░░░░░⊘░░░░░░░░░░░░░░░░░░░░░░░░░ ◀ pause: illness
   6  2026-09-14  middle                     5●
   7  2026-09-21  middle                           6●                    ◀ Thu 14:30
   8  2026-09-28  middle                  [  7?]                         ◀ today
   9  2026-10-05  middle                     8○                          ◀ mid-course review
  10  2026-10-12  middle                     9○
  11  2026-10-19  middle                    10○                          ◀ clocks go back
  12  2026-10-26  middle                    11○
  13  2026-11-02  middle                    12○
  14  2026-11-09  termination               13·
  15  2026-11-16  termination               14·
  16  2026-11-23  termination               15·
  17  2026-11-30  termination            ┃  16·                          ◀ deadline

● attended   ◐ attended late   ✗ no-show   ⊘ cancelled   ○ booked   ? attendance missing
· projected   ░ pause   [ ] today   ┃ deadline
usually Wed 09:00; other times are noted at their weeks
)");
}

TEST(RenderCourseTest, DrawsTheSameInAscii) {
  const std::string drawing = MidCourse().Draw(kMidNow, /*ascii=*/true);
  ExpectFits(drawing);
  for (char c : drawing) ASSERT_LT(static_cast<unsigned char>(c), 128);
  EXPECT_EQ("\n" + drawing, R"(
clinics/north/courses/c1                                                                      ACTIVE
clinics/north/therapists/ana, ipt-uk-16, weekly, 50 min, video, Europe/London
----------------------------------------------------------------------------------------------------
Session   6 of 16  ******oooooo....  next: middle phase, Wed 2026-10-07 09:00 BST, 4 to book
Week      8 of 16  ########--------  deadline Tue 2026-12-01, 62 days left, moved 7 days by pauses
Forecast  INFEASIBLE: would finish Wed 2026-12-02, 1 day after the deadline
          because: behind cadence, pause

week  Monday      phase         Mon   Tue   Wed   Thu   Fri   Sat   Sun
   1  2026-08-03  initial                    1*
   2  2026-08-10  initial                    2*
   3  2026-08-17  initial                    3~
   4  2026-08-24  initial                    4*
   5  2026-08-31                              x
      2026-09-07              ::::::::::::::::/::::::::::::::::::::::::: < pause: illness
   6  2026-09-14  middle                     5*
   7  2026-09-21  middle                           6*                    < Thu 14:30
   8  2026-09-28  middle                  [  7?]                         < today
   9  2026-10-05  middle                     8o                          < mid-course review
  10  2026-10-12  middle                     9o
  11  2026-10-19  middle                    10o                          < clocks go back
  12  2026-10-26  middle                    11o
  13  2026-11-02  middle                    12o
  14  2026-11-09  termination               13.
  15  2026-11-16  termination               14.
  16  2026-11-23  termination               15.
  17  2026-11-30  termination            |  16.                          < deadline

* attended   ~ attended late   x no-show   / cancelled   o booked   ? attendance missing
. projected   : pause   [ ] today   | deadline
usually Wed 09:00; other times are noted at their weeks
)");
}

TEST(RenderCourseTest, ColoursChangeNoCharacter) {
  std::string coloured = MidCourse().Draw(kMidNow, false, /*color=*/true), bare;
  EXPECT_THAT(coloured, HasSubstr("\x1b["));
  for (size_t i = 0; i < coloured.size(); ++i) {
    if (coloured[i] == '\x1b') {
      i = coloured.find('m', i);
    } else {
      bare += coloured[i];
    }
  }
  EXPECT_EQ(bare, MidCourse().Draw(kMidNow));
}

TEST(RenderCourseTest, ShowsNothingThatIdentifiesThePatient) {
  EXPECT_THAT(MidCourse().Draw(kMidNow), Not(HasSubstr("SECRET")));
}

TEST(RenderCourseTest, KeepsNineOClockAcrossClockChanges) {
  for (const auto& [zone, forward, back] :
       {std::tuple("Europe/London", "2027-03-22", "2026-10-19"),
        std::tuple("America/New_York", "2027-03-08", "2026-10-26"),
        std::tuple("Australia/Lord_Howe", "2026-09-28", "2027-03-29")}) {
    Picture p(zone, absl::CivilSecond(2026, 9, 2, 9, 0, 0), 40);
    for (int week = 1; week <= 40; ++week) p.Add(p.Week(week), v1::SESSION_STATE_BOOKED, week);
    const CourseWeeks layout = p.LayOut(absl::CivilSecond(2026, 9, 1, 9, 0, 0));
    std::vector<std::string> changes;
    for (const CourseWeek& week : layout.weeks) {
      if (week.monday() > absl::CivilDay(p.Week(40))) break;
      ASSERT_EQ(week.days[2].sessions.size(), 1u) << zone << " " << week.monday();
      EXPECT_EQ(week.days[2].sessions[0].local.hour(), 9);
      for (const std::string& note : week.notes) {
        if (note != "today" && note != "deadline") {
          changes.push_back(absl::StrCat(absl::FormatCivilTime(week.monday()), " ", note));
        }
      }
    }
    std::vector<std::string> wanted = {absl::StrCat(back, " clocks go back"),
                                       absl::StrCat(forward, " clocks go forward")};
    std::sort(wanted.begin(), wanted.end());
    EXPECT_EQ(changes, wanted) << zone;
  }
}

TEST(RenderCourseTest, TakesTheDayFromTheCoursesZone) {
  // 23:30 in Auckland is the same day there, the morning in UTC.
  Picture p("Pacific/Auckland", absl::CivilSecond(2026, 9, 1, 23, 30, 0));
  p.Add(p.Week(1), v1::SESSION_STATE_BOOKED, 1);
  const CourseWeeks layout = p.LayOut(absl::CivilSecond(2026, 9, 1, 0, 30, 0));
  EXPECT_TRUE(layout.weeks[0].days[1].today);
  EXPECT_EQ(layout.weeks[0].days[1].sessions.size(), 1u);
}

TEST(RenderCourseTest, CrossesTheYearsEnd) {
  Picture p("Europe/London", absl::CivilSecond(2026, 12, 21, 9, 0, 0), 4);
  for (int week = 1; week <= 4; ++week) p.Add(p.Week(week), v1::SESSION_STATE_BOOKED, week);
  EXPECT_THAT(
      WeekLines(p.Draw(absl::CivilSecond(2026, 12, 21, 8, 0, 0))),
      ElementsAre(
          "   1  2026-12-21  initial     [  1○]                                     ◀ today",
          "   2  2026-12-28  initial        2○", "   3  2027-01-04  initial        3○",
          "   4  2027-01-11  initial        4○                                    ┃ ◀ deadline"));
}

TEST(RenderCourseTest, CountsWeeksWithoutPauses) {
  // A pause from Thursday to Wednesday: the week clock stands still for 7 days.
  Picture p("Europe/London", absl::CivilSecond(2026, 9, 1, 9, 0, 0));
  p.Pause(absl::CivilDay(2026, 9, 10), absl::CivilDay(2026, 9, 16), v1::PAUSE_REASON_OTHER);
  // One that shares days with it counts only what is its own; pause_days comes from the server.
  p.Pause(absl::CivilDay(2026, 9, 15), absl::CivilDay(2026, 9, 16), v1::PAUSE_REASON_OTHER);
  p.progress().set_pause_days(7);
  const CourseWeeks layout = p.LayOut(absl::CivilSecond(2026, 9, 1, 9, 0, 0));
  std::vector<int> numbers;
  for (int i = 0; i < 5; ++i) numbers.push_back(layout.weeks[i].number);
  EXPECT_THAT(numbers, ElementsAre(1, 2, 0, 3, 4));
}

TEST(RenderCourseTest, CountsOnlyThePauseDaysThatMovedTheDeadline) {
  Picture p("Europe/London", absl::CivilSecond(2026, 9, 1, 9, 0, 0));
  p.Pause(absl::CivilDay(2026, 9, 8), absl::CivilDay(2026, 9, 28), v1::PAUSE_REASON_OTHER);
  p.progress().set_pause_days(7);  // the clinic's cap
  const CourseWeeks layout = p.LayOut(absl::CivilSecond(2026, 9, 1, 9, 0, 0));
  std::vector<int> numbers;
  for (int i = 0; i < 5; ++i) numbers.push_back(layout.weeks[i].number);
  EXPECT_THAT(numbers, ElementsAre(1, 0, 2, 3, 4));
}

TEST(RenderCourseTest, DrawsALongPauseInOneLine) {
  Picture p("Europe/London", absl::CivilSecond(2026, 9, 2, 9, 0, 0));
  p.Add(p.Week(1), v1::SESSION_STATE_ATTENDED, 1);
  p.Pause(absl::CivilDay(2026, 9, 7), absl::CivilDay(2026, 11, 8), v1::PAUSE_REASON_HOSPITAL_STAY);
  p.SetDeadline(absl::CivilDay(2026, 11, 17));
  p.course().set_state(v1::COURSE_STATE_PAUSED);
  const auto lines = WeekLines(p.Draw(absl::CivilSecond(2026, 9, 3, 9, 0, 0)));
  // Its first week names it, the week of the clock change stays.
  EXPECT_THAT(lines[1], HasSubstr("◀ pause: hospital stay"));
  EXPECT_THAT(lines[2], HasSubstr("⋮  5 weeks of pause"));
  EXPECT_THAT(lines[3], HasSubstr("clocks go back"));
}

TEST(RenderCourseTest, TellsOfMoreSessionsThanAgreed) {
  Picture p("Europe/London", absl::CivilSecond(2026, 8, 5, 9, 0, 0), 12);
  for (int week = 1; week <= 13; ++week) p.Add(p.Week(week), v1::SESSION_STATE_ATTENDED, week);
  p.progress().set_used_sessions(13);
  p.progress().set_excess_sessions(1);
  const std::string drawing = p.Draw(absl::CivilSecond(2026, 11, 10, 12, 0, 0));
  ExpectFits(drawing);
  EXPECT_THAT(drawing, HasSubstr("Session  13 of 12"));
  EXPECT_THAT(drawing, HasSubstr("1 more than agreed"));
}

TEST(RenderCourseTest, FollowsAnOverdueCourseToToday) {
  Picture p("Europe/London", absl::CivilSecond(2026, 1, 7, 9, 0, 0), 12);
  for (int week = 1; week <= 11; ++week) p.Add(p.Week(week), v1::SESSION_STATE_ATTENDED, week);
  p.progress().set_used_sessions(11);
  p.progress().set_week_number(24);
  p.progress().set_days_left(-83);
  p.forecast().set_state(v1::FORECAST_STATE_OVERDUE);
  p.forecast().set_sessions_left(1);
  p.forecast().add_reasons(v1::FORECAST_REASON_DEADLINE_PASSED);
  const std::string drawing = p.Draw(absl::CivilSecond(2026, 6, 22, 12, 0, 0));
  ExpectFits(drawing);
  EXPECT_THAT(drawing, HasSubstr("Forecast  OVERDUE: 1 session left, without a place"));
  EXPECT_THAT(drawing, HasSubstr("because: deadline passed"));
  EXPECT_THAT(drawing, HasSubstr("83 days ago"));
  EXPECT_THAT(drawing, HasSubstr("weeks without sessions"));
  EXPECT_THAT(WeekLines(drawing).back(), HasSubstr("◀ today"));
}

TEST(RenderCourseTest, EndsAClosedCourseWithItsLastSession) {
  Picture p("Europe/London", absl::CivilSecond(2026, 1, 7, 9, 0, 0));
  for (int week = 1; week <= 3; ++week) p.Add(p.Week(week), v1::SESSION_STATE_ATTENDED, week);
  p.course().set_state(v1::COURSE_STATE_DISCONTINUED);
  p.course().clear_forecast();
  auto& closure = *p.course().mutable_closure();
  closure.mutable_time()->set_seconds(
      absl::ToUnixSeconds(p.At(absl::CivilSecond(2026, 2, 3, 9, 0, 0))));
  closure.set_reason(v1::CLOSURE_REASON_DROPPED_OUT);
  closure.set_drop_out(true);
  const std::string drawing = p.Draw(absl::CivilSecond(2026, 11, 1, 9, 0, 0));
  EXPECT_THAT(drawing, HasSubstr("Closed    Tue 2026-02-03: dropped out, a drop-out"));
  EXPECT_THAT(drawing, Not(HasSubstr("days ago")));
  EXPECT_THAT(drawing, Not(HasSubstr("Forecast")));
  EXPECT_EQ(WeekLines(drawing).size(), 3u);
}

TEST(RenderCourseTest, SaysThatAStartIsProjected) {
  Picture p("Europe/London", absl::CivilSecond(2026, 9, 2, 9, 0, 0));
  p.course().set_state(v1::COURSE_STATE_PLANNED);
  p.progress().set_start_projected(true);
  p.Project(p.Week(1), 1);
  EXPECT_THAT(p.Draw(absl::CivilSecond(2026, 6, 1, 9, 0, 0)),
              HasSubstr("projected: no session attended yet"));
}

TEST(RenderCourseTest, FitsSeveralSessionsOfADay) {
  Picture p("Europe/London", absl::CivilSecond(2026, 9, 1, 9, 0, 0));
  for (int week = 1; week <= 14; ++week) p.Add(p.Week(week), v1::SESSION_STATE_ATTENDED, week);
  p.Add(p.Week(15), v1::SESSION_STATE_CANCELLED, 0);
  p.Add(p.Week(15) + 3600, v1::SESSION_STATE_BOOKED, 15);
  p.Add(p.Week(16), v1::SESSION_STATE_CANCELLED, 0);
  p.Add(p.Week(16) + 3600, v1::SESSION_STATE_CANCELLED, 0);
  p.Add(p.Week(16) + 7200, v1::SESSION_STATE_BOOKED, 16);
  const auto lines = WeekLines(p.Draw(absl::CivilSecond(2026, 12, 2, 9, 0, 0)));
  EXPECT_THAT(lines[14], HasSubstr(" ⊘15○ "));
  EXPECT_THAT(lines[15], HasSubstr(" +16○ "));
}

TEST(RenderCourseTest, WrapsWhatIsLong) {
  Picture p = MidCourse();
  p.course().set_name("clinics/a-clinic-with-a-very-long-name-indeed/courses/" +
                      std::string(63, 'x'));
  p.course().set_therapist("clinics/a-clinic-with-a-very-long-name-indeed/therapists/" +
                           std::string(63, 'y'));
  p.course().set_planned_sessions(36);
  p.course().set_duration_weeks(40);
  for (int i = 0; i < 9; ++i) {
    p.forecast().add_reasons(static_cast<v1::ForecastReason>(i + 1));
    p.Add(absl::CivilSecond(2026, 9, 28 + i % 3, 10, i, 0), v1::SESSION_STATE_BOOKED, 20 + i);
  }
  ExpectFits(p.Draw(kMidNow));
  ExpectFits(p.Draw(kMidNow, true));
}

TEST(RenderCourseTest, DrawsACourseWithNothingInIt) {
  v1::Course course;
  course.set_name("clinics/north/courses/c1");
  const std::string drawing = RenderCourse(course, {}, nullptr, absl::FromUnixSeconds(0), {});
  EXPECT_THAT(drawing, HasSubstr("clinics/north/courses/c1"));
}

}  // namespace
}  // namespace ipt::ctl
