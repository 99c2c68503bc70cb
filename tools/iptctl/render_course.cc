#include "iptctl/render_course.h"

#include <algorithm>
#include <array>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "iptctl/course_weeks.h"
#include "iptctl/text.h"

namespace ipt::ctl {
namespace {

namespace v1 = scheduling::v1;

constexpr int kCourseWidth = 100;
constexpr int kCellWidth = 6;
constexpr int kPhaseWidth = 11;
constexpr int kNoteColumn = 4 + 2 + 10 + 2 + kPhaseWidth + 1 + 7 * kCellWidth + 1;
constexpr int kLongRun = 4;  // so many weeks with nothing in them become one line

struct Glyphs {
  std::array<const char*, kMarks> marks;
  const char *pause, *deadline, *elapsed, *left, *dot, *rule, *more, *note, *ellipsis;
};
constexpr Glyphs kUnicode{
    {"●", "◐", "✗", "⊘", "○", "?", "·"}, "░", "┃", "■", "□", " · ", "─", "⋮", "◀ ", "…"};
constexpr Glyphs kAscii{
    {"*", "~", "x", "/", "o", "?", "."}, ":", "|", "#", "-", ", ", "-", "...", "< ", "..."};

constexpr std::array<const char*, kMarks> kMarkWords = {
    "attended", "attended late",      "no-show",  "cancelled",
    "booked",   "attendance missing", "projected"};
constexpr std::array<Color, kMarks> kMarkColors = {Color::kGreen, Color::kGreen, Color::kRed,
                                                   Color::kDim,   Color::kCyan,  Color::kYellow,
                                                   Color::kDim};

std::string Repeat(absl::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) absl::StrAppend(&out, text);
  return out;
}

template <typename E>
std::string Word(E value, const google::protobuf::EnumDescriptor& type, absl::string_view prefix) {
  const auto* described = type.FindValueByNumber(value);
  if (described == nullptr) return absl::StrCat(static_cast<int>(value));
  if (value == 0) return "";
  return absl::StrReplaceAll(absl::AsciiStrToLower(absl::StripPrefix(described->name(), prefix)),
                             {{"_", " "}});
}

std::string PhaseWord(v1::Phase phase) { return Word(phase, *v1::Phase_descriptor(), "PHASE_"); }

Color PhaseColor(v1::Phase phase) {
  return phase == v1::PHASE_INITIAL       ? Color::kCyan
         : phase == v1::PHASE_TERMINATION ? Color::kMagenta
                                          : Color::kBlue;
}

std::string DayText(absl::CivilDay day) {
  return absl::FormatTime("%a %Y-%m-%d", absl::FromCivil(day, absl::UTCTimeZone()),
                          absl::UTCTimeZone());
}

class Drawing {
 public:
  Drawing(const v1::Course& course, const v1::Forecast* forecast, const CourseWeeks& layout,
          const CourseStyle& style)
      : course_(course),
        forecast_(forecast),
        layout_(layout),
        paint_(style.paint),
        glyphs_(style.ascii ? kAscii : kUnicode) {}

  std::string Draw() {
    DrawTitle();
    DrawClocks();
    if (!layout_.weeks.empty()) {
      Line("");
      DrawWeeks();
      DrawLegend();
    }
    return std::move(out_);
  }

 private:
  void Line(absl::string_view text) {
    absl::StrAppend(&out_, absl::StripTrailingAsciiWhitespace(text), "\n");
  }

  void DrawTitle() {
    const std::string state = absl::AsciiStrToUpper(
        Word(course_.state(), *v1::CourseState_descriptor(), "COURSE_STATE_"));
    const std::string name =
        Clip(course_.name(), kCourseWidth - static_cast<int>(state.size()) - 2, glyphs_.ellipsis);
    const Color color = course_.state() == v1::COURSE_STATE_PAUSED   ? Color::kYellow
                        : course_.state() == v1::COURSE_STATE_ACTIVE ? Color::kGreen
                                                                     : Color::kBold;
    Line(absl::StrCat(paint_(Color::kBold, name),
                      std::string(kCourseWidth - DisplayWidth(name) - state.size(), ' '),
                      paint_(color, state)));
    std::vector<std::string> facts;
    const auto add = [&](std::string fact) {
      if (!fact.empty()) facts.push_back(std::move(fact));
    };
    add(course_.therapist());
    add(course_.variant());
    if (course_.cadence_days() > 0) {
      add(course_.cadence_days() == 7 ? "weekly"
                                      : absl::StrCat("every ", course_.cadence_days(), " days"));
    }
    if (course_.session_minutes() > 0) add(absl::StrCat(course_.session_minutes(), " min"));
    add(Word(course_.modality(), *v1::Modality_descriptor(), "MODALITY_"));
    add(course_.time_zone());
    Line(Clip(absl::StrJoin(facts, glyphs_.dot), kCourseWidth, glyphs_.ellipsis));
    Line(paint_(Color::kDim, Repeat(glyphs_.rule, kCourseWidth)));
  }

  // "Session   7 of 16  ●●●●●●●○○○  details", the details below where they would not fit.
  void DrawClock(absl::string_view label, int at, int of, const std::string& bar,
                 const std::vector<std::string>& details) {
    const std::string head = absl::StrCat(paint_(Color::kBold, PadRight(label, 9)),
                                          PadLeft(absl::StrCat(at, " of ", of), 8), "  ");
    std::string line = absl::StrCat(head, bar);
    for (size_t i = 0; i < details.size(); ++i) {
      const std::string detail = absl::StrCat(details[i], i + 1 < details.size() ? "," : "");
      const absl::string_view gap = i == 0 ? "  " : " ";
      if (DisplayWidth(line) + DisplayWidth(gap) + DisplayWidth(detail) > kCourseWidth) {
        Line(line);
        line = std::string(DisplayWidth(head), ' ') + detail;
      } else {
        absl::StrAppend(&line, gap, detail);
      }
    }
    Line(line);
  }

  const char* MarkGlyph(Mark mark) const { return glyphs_.marks[static_cast<int>(mark)]; }
  std::string Painted(Mark mark, absl::string_view text) const {
    return paint_(kMarkColors[static_cast<int>(mark)], text);
  }

  void DrawClocks() {
    const v1::CourseProgress& progress = course_.progress();
    const int planned = course_.planned_sessions(), weeks = course_.duration_weeks();
    // A bar is only as good as it is short.
    const bool bars = planned <= 40 && weeks <= 40;

    const int used = progress.used_sessions();
    const int booked = std::clamp(progress.booked_sessions(), 0, std::max(0, planned - used));
    std::string bar;
    if (bars) {
      bar = absl::StrCat(
          Painted(Mark::kAttended, Repeat(MarkGlyph(Mark::kAttended), std::min(used, planned))),
          Painted(Mark::kBooked, Repeat(MarkGlyph(Mark::kBooked), booked)),
          Painted(Mark::kProjected,
                  Repeat(MarkGlyph(Mark::kProjected), std::max(0, planned - used - booked))),
          std::string(std::max(0, weeks - planned), ' '));
    }
    std::vector<std::string> details;
    if (progress.next_session_number() > 0 && progress.phase() != v1::PHASE_UNSPECIFIED) {
      details.push_back(absl::StrCat("next: ", PhaseWord(progress.phase()), " phase"));
    }
    if (progress.has_next_session_time()) {
      details.push_back(absl::FormatTime(
          "%a %Y-%m-%d %H:%M %Z", absl::FromUnixSeconds(progress.next_session_time().seconds()),
          layout_.zone));
    }
    if (progress.unbooked_sessions() > 0) {
      details.push_back(absl::StrCat(progress.unbooked_sessions(), " to book"));
    }
    if (progress.excess_sessions() > 0) {
      details.push_back(absl::StrCat(progress.excess_sessions(), " more than agreed"));
    }
    DrawClock("Session", used, planned, bar, details);

    const int week = progress.week_number();
    bar.clear();
    if (bars) {
      const int elapsed = std::clamp(week, 0, weeks);
      bar = absl::StrCat(Repeat(glyphs_.elapsed, elapsed),
                         paint_(Color::kDim, Repeat(glyphs_.left, weeks - elapsed)),
                         std::string(std::max(0, planned - weeks), ' '));
    }
    details.clear();
    if (layout_.deadline) {
      details.push_back(absl::StrCat("deadline ", DayText(*layout_.deadline)));
      const int left = progress.days_left();
      if (!course_.has_closure()) {
        details.push_back(left >= 0 ? absl::StrCat(Counted(left, "day"), " left")
                                    : absl::StrCat(Counted(-left, "day"), " ago"));
      }
      if (progress.pause_days() > 0) {
        details.push_back(
            absl::StrCat("moved ", Counted(progress.pause_days(), "day"), " by pauses"));
      }
      if (progress.start_projected()) details.push_back("projected: no session attended yet");
    }
    DrawClock("Week", week, weeks, bar, details);
    if (forecast_ != nullptr) DrawForecast();
    if (course_.has_closure()) DrawClosure();
  }

  void DrawForecast() {
    const std::string verdict =
        Word(forecast_->state(), *v1::ForecastState_descriptor(), "FORECAST_STATE_");
    const Color color = forecast_->state() == v1::FORECAST_STATE_ON_TRACK  ? Color::kGreen
                        : forecast_->state() == v1::FORECAST_STATE_AT_RISK ? Color::kYellow
                                                                           : Color::kRed;
    std::string line = absl::StrCat(paint_(Color::kBold, PadRight("Forecast", 9)), " ",
                                    paint_(color, absl::AsciiStrToUpper(verdict)));
    if (const auto finish = DayOf(forecast_->projected_finish_date()); finish) {
      const int slack = forecast_->slack_days();
      absl::StrAppend(&line, ": would finish ", DayText(*finish), ", ",
                      slack >= 0 ? absl::StrCat(Counted(slack, "day"), " before the deadline")
                                 : absl::StrCat(Counted(-slack, "day"), " after the deadline"));
    } else if (forecast_->sessions_left() > 0) {
      absl::StrAppend(&line, ": ", Counted(forecast_->sessions_left(), "session"),
                      " left, without a place within a year");
    }
    Line(line);
    std::vector<std::string> reasons;
    for (const int reason : forecast_->reasons()) {
      reasons.push_back(Word(static_cast<v1::ForecastReason>(reason),
                             *v1::ForecastReason_descriptor(), "FORECAST_REASON_"));
    }
    if (!reasons.empty()) {
      absl::StrAppend(
          &out_, Wrap(absl::StrCat("because: ", absl::StrJoin(reasons, ", ")), 10, kCourseWidth));
    }
  }

  void DrawClosure() {
    const v1::Closure& closure = course_.closure();
    const std::string reason =
        Word(closure.reason(), *v1::ClosureReason_descriptor(), "CLOSURE_REASON_");
    Line(absl::StrCat(
        paint_(Color::kBold, PadRight("Closed", 9)), " ",
        absl::FormatTime("%a %Y-%m-%d", absl::FromUnixSeconds(closure.time().seconds()),
                         layout_.zone),
        reason.empty() ? "" : absl::StrCat(": ", reason), closure.drop_out() ? ", a drop-out" : "",
        closure.early() ? ", with fewer sessions than agreed" : ""));
  }

  void DrawWeeks() {
    std::string head =
        absl::StrCat("week  ", PadRight("Monday", 12), PadRight("phase", kPhaseWidth + 1));
    for (const char* day : {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}) {
      absl::StrAppend(&head, PadRight(absl::StrCat("  ", day), kCellWidth));
    }
    Line(paint_(Color::kBold, absl::StripTrailingAsciiWhitespace(head)));
    const auto& weeks = layout_.weeks;
    for (size_t i = 0; i < weeks.size();) {
      size_t end = i;
      while (end < weeks.size() && weeks[end].empty()) ++end;
      if (end - i >= kLongRun) {
        const bool paused = weeks[i].days[0].paused && weeks[end - 1].days[6].paused;
        Line(paint_(Color::kDim, absl::StrCat(PadLeft(glyphs_.more, 4), "  ", end - i, " weeks ",
                                              paused ? "of pause" : "without sessions")));
        i = end;
      } else {
        DrawWeek(weeks[i++]);
      }
    }
  }

  void DrawWeek(const CourseWeek& week) {
    const bool now = std::any_of(week.days.begin(), week.days.end(),
                                 [](const CourseDay& day) { return day.today; });
    std::string line = absl::StrCat(
        PadLeft(week.number > 0 ? absl::StrCat(week.number) : "", 4), "  ",
        paint_(now ? Color::kBold : Color::kNone, absl::FormatCivilTime(week.monday())), "  ",
        PadRight(PhaseText(week), kPhaseWidth), " ");
    for (const CourseDay& day : week.days) absl::StrAppend(&line, Cell(day));
    // Notes take as many lines as they need, to the right.
    std::string note = week.notes.empty() ? "" : glyphs_.note;
    for (size_t i = 0; i < week.notes.size(); ++i) {
      const std::string next = absl::StrCat(week.notes[i], i + 1 < week.notes.size() ? ", " : "");
      if (kNoteColumn + DisplayWidth(note) +
              DisplayWidth(absl::StripTrailingAsciiWhitespace(next)) >
          kCourseWidth) {
        Line(absl::StrCat(PadRight(line, kNoteColumn), note));
        line.clear();
        note = "  ";
      }
      absl::StrAppend(&note, next);
    }
    Line(absl::StrCat(PadRight(line, kNoteColumn), note));
  }

  std::string PhaseText(const CourseWeek& week) const {
    std::vector<v1::Phase> phases;
    for (const CourseDay& day : week.days) {
      for (const MarkedSession& session : day.sessions) {
        if (session.phase == v1::PHASE_UNSPECIFIED || session.number == 0) continue;
        if (phases.empty() || phases.back() != session.phase) phases.push_back(session.phase);
      }
    }
    if (phases.empty()) return "";
    if (phases.size() == 1) return paint_(PhaseColor(phases[0]), PhaseWord(phases[0]));
    // Two in one week: so much of each word as fits.
    return paint_(PhaseColor(phases.back()),
                  absl::StrCat(PhaseWord(phases.front()).substr(0, 4), "/",
                               PhaseWord(phases.back()).substr(0, 6)));
  }

  std::string Cell(const CourseDay& day) {
    std::string inner;
    if (const size_t count = day.sessions.size(); count > 0) {
      const MarkedSession& last = day.sessions.back();
      if (count > 2) inner = "+";
      if (count == 2) inner = Painted(day.sessions[0].mark, MarkGlyph(day.sessions[0].mark));
      absl::StrAppend(&inner, last.number > 0 ? absl::StrCat(last.number) : "",
                      Painted(last.mark, MarkGlyph(last.mark)));
      for (const MarkedSession& session : day.sessions) {
        used_marks_[static_cast<int>(session.mark)] = true;
      }
    }
    paused_ = paused_ || day.paused;
    const auto fill = [&](int times) {
      return paint_(day.paused ? Color::kDim : Color::kNone,
                    Repeat(day.paused ? glyphs_.pause : " ", times));
    };
    return absl::StrCat(day.today ? paint_(Color::kBold, "[") : fill(1),
                        fill(4 - DisplayWidth(inner)), inner,
                        day.deadline ? paint_(Color::kRed, glyphs_.deadline)
                        : day.today  ? paint_(Color::kBold, "]")
                                     : fill(1));
  }

  void DrawLegend() {
    std::vector<std::string> items;
    for (int mark = 0; mark < kMarks; ++mark) {
      if (!used_marks_[mark]) continue;
      items.push_back(absl::StrCat(Painted(static_cast<Mark>(mark), glyphs_.marks[mark]), " ",
                                   kMarkWords[mark]));
    }
    if (paused_) items.push_back(absl::StrCat(glyphs_.pause, " pause"));
    const auto any = [&](bool CourseDay::*member) {
      for (const CourseWeek& week : layout_.weeks) {
        for (const CourseDay& day : week.days) {
          if (day.*member) return true;
        }
      }
      return false;
    };
    if (any(&CourseDay::today)) items.push_back("[ ] today");
    if (any(&CourseDay::deadline)) items.push_back(absl::StrCat(glyphs_.deadline, " deadline"));
    Line("");
    std::string line;
    for (const std::string& item : items) {
      if (DisplayWidth(line) + 3 + DisplayWidth(item) > kCourseWidth) {
        Line(line);
        line.clear();
      }
      absl::StrAppend(&line, line.empty() ? "" : "   ", item);
    }
    Line(line);
    if (layout_.usual) {
      const absl::CivilDay monday(2024, 1, 1);
      const absl::CivilDay day = absl::NextWeekday(monday - 1, layout_.usual->first);
      Line(absl::StrFormat("usually %s %02d:%02d; other times are noted at their weeks",
                           DayText(day).substr(0, 3), layout_.usual->second / 60,
                           layout_.usual->second % 60));
    }
  }

  const v1::Course& course_;
  const v1::Forecast* const forecast_;
  const CourseWeeks& layout_;
  const Paint paint_;
  const Glyphs& glyphs_;
  std::array<bool, kMarks> used_marks_{};
  bool paused_ = false;
  std::string out_;
};

}  // namespace

std::string RenderCourse(const v1::Course& course, const std::vector<v1::Session>& sessions,
                         const v1::Forecast* forecast, absl::Time now, const CourseStyle& style) {
  const CourseWeeks layout = LayOutCourse(course, sessions, forecast, now);
  return Drawing(course, forecast, layout, style).Draw();
}

}  // namespace ipt::ctl
