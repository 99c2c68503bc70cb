#include "iptctl/render_table.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace ipt::ctl {
namespace {

using google::protobuf::Reflection;

constexpr int kLongList = 80;

// Columns of a type's tables, as HEADER=field or HEADER=message.field. Types without an entry show
// every field that fits in a cell.
const std::map<std::string, std::vector<std::string>>& ColumnTable() {
  static const auto* const table = new std::map<std::string, std::vector<std::string>>{
      {"ipt.scheduling.v1.Clinic", {"NAME=name", "DISPLAY NAME=display_name", "ZONE=time_zone"}},
      {"ipt.scheduling.v1.Holiday", {"NAME=name", "DATE=date", "DISPLAY NAME=display_name"}},
      {"ipt.scheduling.v1.Therapist",
       {"NAME=name", "DISPLAY NAME=display_name", "ACTIVE=active", "OPEN COURSES=open_courses",
        "AT MOST=max_active_courses", "LANGUAGES=languages"}},
      {"ipt.scheduling.v1.TimeOff",
       {"NAME=name", "FROM=start_time", "UNTIL=end_time", "REASON=reason"}},
      {"ipt.scheduling.v1.ExtraHours", {"NAME=name", "TIME=time"}},
      {"ipt.scheduling.v1.Course",
       {"NAME=name", "STATE=state", "THERAPIST=therapist", "USED=progress.used_sessions",
        "OF=planned_sessions", "WEEK=progress.week_number", "DEADLINE=progress.deadline_date",
        "FORECAST=forecast.state", "FINISH=forecast.projected_finish_date"}},
      {"ipt.scheduling.v1.Session",
       {"NAME=name", "START=start_time", "STATE=state", "NO=session_number", "PHASE=phase",
        "WEEK=week_number", "THERAPIST=therapist"}},
      {"ipt.scheduling.v1.PlannedSession",
       {"NO=session_number", "PHASE=phase", "START=start_time", "VERDICT=verdict",
        "BECAUSE=reasons", "ALTERNATIVES=alternatives"}},
      {"ipt.scheduling.v1.Variant",
       {"ID=id", "DISPLAY NAME=display_name", "SESSIONS=default_sessions", "LEAST=min_sessions",
        "MOST=max_sessions", "WEEKS=default_weeks", "CADENCE=cadence_days", "PHASES=phases"}},
      {"ipt.scheduling.v1.Reminder",
       {"DUE=due_time", "KIND=kind", "FOR=audience", "STATE=state", "WHY=why_not",
        "LAST REASON=last_reason", "TRIED=attempt", "SENT=sent_time", "CHANNELS=channels",
        "COURSE=course", "NAME=name"}},
      {"ipt.outcomes.v1.Instrument",
       {"NAME=name", "VERSION=version", "DISPLAY NAME=display_name", "MEASURES=construct",
        "ORIGIN=origin", "STATE=state", "LANGUAGE=language"}},
      {"ipt.outcomes.v1.Measurement",
       {"NAME=name", "INSTRUMENT=instrument", "COMPLETED=complete_time", "STATE=state",
        "RESPONDENT=respondent", "WEEK=week_number", "SESSION=session_number",
        "UNVERIFIED=unverified", "PROBLEM=binding_problem", "REVISION=revision_number"}},
      {"ipt.outcomes.v1.MeasurementPlan",
       {"NAME=name", "DISPLAY NAME=display_name", "FOR=indications"}},
      {"ipt.outcomes.v1.MeasurementRule",
       {"ID=id", "INSTRUMENT=instrument", "WHEN=timing", "WEEKS=weeks", "MONTHS=months",
        "RESPONDENT=respondent", "OPEN BEFORE=open_days_before", "GRACE=grace_days",
        "CATCH UP=catch_up", "VOLUNTARY=voluntary"}},
      {"ipt.outcomes.v1.DueMeasurement",
       {"DUE=due_date", "STATE=state", "COURSE=course", "RULE=rule", "INSTRUMENT=instrument",
        "RESPONDENT=respondent", "THERAPIST=therapist", "WEEK=week_number",
        "MONTHS=follow_up_months", "OPEN=open_date", "OVERDUE=overdue_date",
        "MISSED=missed_in_a_row", "PROJECTED=projected", "SESSION=session",
        "MEASUREMENT=measurement"}},
      {"ipt.outcomes.v1.Alert",
       {"NAME=name", "KIND=kind", "STATE=state", "RAISED=raise_time", "ITEM=item", "POINTS=points",
        "THERAPIST=assignee.therapist", "DESK=assignee.desk", "ESCALATES=escalate_time",
        "ACKNOWLEDGED BY=acknowledged_by"}},
      {"ipt.formulation.v1.Relationship",
       {"NAME=name", "WHO=display_name", "KIND=kind", "STATUS=status", "CIRCLE=closeness_circle",
        "QUALITY=quality", "CONTACT=contact_frequency", "SATISFIED=satisfaction",
        "CONFIDANT=confidant"}},
      {"ipt.formulation.v1.LifeEvent",
       {"NAME=name", "FROM=start_date", "UNTIL=end_date", "GOES ON=ongoing", "KIND=kind",
        "WHAT=display_name", "IMPACT=impact"}},
      {"ipt.formulation.v1.ProblemArea",
       {"NAME=name", "RANK=rank", "KIND=kind", "CALLED=display_name", "FOCUS=focus",
        "CRITERIA PRESENT=present_criteria", "PATIENT=patient_severity",
        "THERAPIST=therapist_severity", "PROSPECT=change_prospect"}},
      {"ipt.formulation.v1.Goal",
       {"NAME=name", "STATE=state", "IN FORMULATION=in_current_formulation",
        "FIRST=first_patient_rating.value", "LAST=last_patient_rating.value",
        "RATINGS=rating_count", "BY=target_date", "DESCRIPTION=description"}},
      {"ipt.formulation.v1.GoalRating",
       {"DAY=rated_on", "VALUE=value", "RATER=rater", "NAME=name", "NOTE=note"}},
      {"ipt.formulation.v1.FormulationRevision",
       {"NAME=name", "NUMBER=number", "STATE=state", "REASON=reason", "AGREED=agreement.agreed_on",
        "BY=agreement.agreed_by", "BASED ON=based_on", "ETAG=etag", "CHANGED=update_time"}},
      {"ipt.formulation.v1.CourseFocus",
       {"COURSE=course", "PRIMARY=primary_kind", "SECONDARY=secondary_kind", "AGREED=agreed_on",
        "REVISION=revision_number", "FIRST WAS=first_primary_kind"}},
      {"ipt.formulation.v1.Protocol",
       {"NAME=name", "IN USE=in_use", "VERSION=version", "DISPLAY NAME=display_name",
        "TRADITION=tradition_display_name", "FOCUS AREAS=max_focus_areas"}},
      {"ipt.formulation.v1.SessionWork",
       {"NAME=name", "NO=session_number", "DAY=session_date", "PHASE=phase",
        "SESSION=session_state", "TECHNIQUES=techniques", "BY=caller"}},
      {"ipt.formulation.v1.Finding",
       {"COURSE=course", "SEVERITY=severity", "RULE=rule", "SINCE=since_date",
        "DUE BY SESSION=due_session_number", "TASK=task", "MESSAGE=message"}},
      {"ipt.audit.v1.AuditEntry",
       {"TIME=time", "CALLER=caller", "METHOD=method", "RESOURCE=resource", "OUTCOME=outcome",
        "COUNT=count"}},
  };
  return *table;
}

bool FitsInCell(const FieldDescriptor& field) {
  return field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE || IsInline(*field.message_type());
}

struct Column {
  std::string header;
  std::vector<const FieldDescriptor*> path;
};

std::vector<Column> ColumnsOf(const Descriptor& type) {
  std::vector<Column> columns;
  if (const auto it = ColumnTable().find(type.full_name()); it != ColumnTable().end()) {
    for (const std::string& spec : it->second) {
      const std::pair<std::string, std::string> halves = absl::StrSplit(spec, '=');
      Column column{halves.first, {}};
      const Descriptor* at = &type;
      for (absl::string_view name : absl::StrSplit(halves.second, '.')) {
        column.path.push_back(at->FindFieldByName(std::string(name)));
        at = column.path.back()->message_type();
      }
      columns.push_back(std::move(column));
    }
    return columns;
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!FitsInCell(*field)) continue;
    columns.push_back(
        {absl::StrReplaceAll(absl::AsciiStrToUpper(field->name()), {{"_", " "}}), {field}});
  }
  return columns;
}

std::string Cell(const Message& row, const Column& column, const ShowContext& context) {
  const Message* holder = &row;
  for (size_t i = 0; i + 1 < column.path.size(); ++i) {
    if (!holder->GetReflection()->HasField(*holder, column.path[i])) return "";
    holder = &holder->GetReflection()->GetMessage(*holder, column.path[i]);
  }
  return ValueText(*holder, *column.path.back(), context);
}

std::string Table(const std::vector<const Message*>& rows, int indent, const ShowContext& context) {
  const std::vector<Column> columns = ColumnsOf(*rows.front()->GetDescriptor());
  std::vector<std::vector<std::string>> cells(1);
  for (const Column& column : columns) {
    cells.front().push_back(context.paint(Color::kBold, column.header));
  }
  for (const Message* row : rows) {
    std::vector<std::string> line;
    line.reserve(columns.size());
    const ShowContext inner = Within(*row, context);
    for (const Column& column : columns) line.push_back(Cell(*row, column, inner));
    cells.push_back(std::move(line));
  }
  std::string out;
  // Columns that are empty in every row tell nothing.
  std::vector<int> widths(columns.size(), -1);
  for (size_t c = 0; c < columns.size(); ++c) {
    const bool used = std::any_of(cells.begin() + 1, cells.end(),
                                  [&](const auto& line) { return !line[c].empty(); });
    if (!used && c > 0) continue;
    for (const auto& line : cells) widths[c] = std::max(widths[c], DisplayWidth(line[c]));
  }
  for (const auto& line : cells) {
    std::string text(indent, ' ');
    for (size_t c = 0; c < columns.size(); ++c) {
      if (widths[c] >= 0) absl::StrAppend(&text, PadRight(line[c], widths[c]), "  ");
    }
    absl::StrAppend(&out, absl::StripTrailingAsciiWhitespace(text), "\n");
  }
  return out;
}

void AppendBlock(const Message& message, int indent, const ShowContext& outer, std::string& out) {
  const ShowContext context = Within(message, outer);
  const Descriptor& type = *message.GetDescriptor();
  const Reflection* reflection = message.GetReflection();
  const std::string blanks(indent, ' ');
  std::vector<std::pair<std::string, std::vector<std::string>>> lines;
  int width = 0;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (!FitsInCell(*field)) continue;
    std::vector<std::string> values = ValueTexts(message, *field, context);
    const std::string joined = absl::StrJoin(values, ", ");
    if (joined.empty()) continue;
    // Long lists go below each other.
    if (DisplayWidth(joined) <= kLongList) values = {joined};
    lines.emplace_back(absl::StrReplaceAll(field->name(), {{"_", " "}}), std::move(values));
    width = std::max(width, DisplayWidth(lines.back().first));
  }
  for (const auto& [key, values] : lines) {
    absl::StrAppend(&out, blanks, context.paint(Color::kBold, PadRight(key, width)), "  ",
                    absl::StrJoin(values, absl::StrCat("\n", blanks, std::string(width + 2, ' '))),
                    "\n");
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (FitsInCell(*field)) continue;
    const std::string heading = absl::StrCat(
        blanks, context.paint(Color::kBold, absl::StrReplaceAll(field->name(), {{"_", " "}})),
        "\n");
    if (!field->is_repeated()) {
      if (!reflection->HasField(message, field)) continue;
      std::string block;
      AppendBlock(reflection->GetMessage(message, field), indent + 2, context, block);
      if (!block.empty()) absl::StrAppend(&out, heading, block);
      continue;
    }
    std::vector<const Message*> rows;
    rows.reserve(reflection->FieldSize(message, field));
    for (int r = 0; r < reflection->FieldSize(message, field); ++r) {
      rows.push_back(&reflection->GetRepeatedMessage(message, field, r));
    }
    if (rows.empty()) continue;
    absl::StrAppend(&out, heading);
    // A table shows what fits in cells; rows that are all blocks are shown as blocks.
    if (ColumnsOf(*rows.front()->GetDescriptor()).empty()) {
      for (const Message* row : rows) AppendBlock(*row, indent + 2, context, out);
    } else {
      absl::StrAppend(&out, Table(rows, indent + 2, context));
    }
  }
}

}  // namespace

const FieldDescriptor* ListedField(const Descriptor& type) {
  if (type.FindFieldByName("next_page_token") == nullptr) return nullptr;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    if (field->is_repeated() && field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
      return field;
    }
  }
  return nullptr;
}

std::string RenderMessage(const Message& message, const ShowContext& context) {
  const FieldDescriptor* listed = ListedField(*message.GetDescriptor());
  std::string out;
  if (listed == nullptr) {
    AppendBlock(message, 0, context, out);
    return out.empty() ? "done\n" : out;
  }
  std::vector<const Message*> rows;
  rows.reserve(message.GetReflection()->FieldSize(message, listed));
  for (int i = 0; i < message.GetReflection()->FieldSize(message, listed); ++i) {
    rows.push_back(&message.GetReflection()->GetRepeatedMessage(message, listed, i));
  }
  if (rows.empty()) return "none\n";
  return Table(rows, 0, context);
}

}  // namespace ipt::ctl
