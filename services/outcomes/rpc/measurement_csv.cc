#include "outcomes/rpc/measurement_csv.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/timestamp.pb.h"
#include "platform/text/csv.h"

namespace ipt::outcomes {
namespace {

constexpr char kLineEnd[] = "\r\n";

constexpr const char* kBefore[] = {
    "course",        "measurement",  "instrument", "instrument_version",
    "state",         "respondent",   "mode",       "language",
    "complete_time", "receive_time", "session",    "session_number",
    "week_number",   "phase",        "occasion",   "external_id"};
constexpr const char* kAfter[] = {"risk",       "superseded",      "revision_number",
                                  "unverified", "binding_problem", "measurement_import",
                                  "revision"};

// A value's name without its type's: SELF for RESPONDENT_SELF; "" for what is not stated.
template <typename Enum>
std::string Word(Enum value) {
  const auto* type = google::protobuf::GetEnumDescriptor<Enum>();
  const auto* named = type->FindValueByNumber(static_cast<int>(value));
  if (named == nullptr) return absl::StrCat(static_cast<int>(value));
  if (named->number() == 0) return "";
  const std::string& zero = type->value(0)->name();
  const size_t prefix = zero.size() - std::string("UNSPECIFIED").size();
  return named->name().substr(prefix);
}

std::string TimeCell(const google::protobuf::Timestamp& time) {
  const absl::Time at = absl::FromUnixSeconds(time.seconds()) + absl::Nanoseconds(time.nanos());
  return absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", at, absl::UTCTimeZone());
}

std::string NumberCell(int64_t number) { return number == 0 ? "" : absl::StrCat(number); }

// Of all rules: the gravest.
std::string RiskCell(const pb::Measurement& m) {
  pb::RiskState worst = pb::RISK_STATE_UNSPECIFIED;
  for (const pb::RiskState state :
       {pb::RISK_STATE_BELOW, pb::RISK_STATE_UNKNOWN, pb::RISK_STATE_FIRED}) {
    for (const pb::RiskFinding& risk : m.risks()) {
      if (risk.state() == state) worst = state;
    }
  }
  return Word(worst);
}

void AddOnce(const std::string& id, std::vector<std::string>& ids) {
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

}  // namespace

MeasurementCsv::MeasurementCsv(const std::vector<HeldInstrument>& versions) {
  AddOnce(kTotal, scales_);
  for (size_t i = versions.size(); i-- > 0;) {
    const Instrument& definition = versions[i].definition;
    for (const Item& item : definition.items) {
      AddOnce(item.id, items_);
      auto& values = values_[{definition.version, item.id}];
      for (const Option& option : item.options) values[option.id] = option.value;
    }
    for (const Subscale& subscale : definition.subscales) AddOnce(subscale.id, scales_);
  }
}

std::string MeasurementCsv::Heading() const {
  std::vector<std::string> cells(std::begin(kBefore), std::end(kBefore));
  for (const std::string& item : items_) cells.push_back(absl::StrCat("item.", item));
  for (const std::string& scale : scales_) cells.push_back(absl::StrCat("reported.", scale));
  for (const std::string& scale : scales_) {
    cells.push_back(absl::StrCat("score.", scale));
    cells.push_back(absl::StrCat("score_state.", scale));
  }
  cells.insert(cells.end(), std::begin(kAfter), std::end(kAfter));
  return absl::StrCat(absl::StrJoin(cells, ","), kLineEnd);
}

std::string MeasurementCsv::Line(const pb::Measurement& m) const {
  std::map<std::string, std::string> items;
  for (const pb::Answer& answer : m.answers().answers()) {
    if (answer.implied()) continue;
    std::string& cell = items[answer.item()];
    if (answer.has_none()) {
      if (answer.none() != pb::NO_ANSWER_LEFT_OUT) cell = Word(answer.none());
      continue;
    }
    // The number on the form, however it was answered.
    const auto options = values_.find({m.instrument_version(), answer.item()});
    const std::string option = answer.option_id().empty() ? answer.option() : answer.option_id();
    if (options != values_.end() && options->second.contains(option)) {
      cell = absl::StrCat(options->second.at(option));
    } else {
      cell = answer.has_value() ? absl::StrCat(answer.value()) : option;
    }
  }
  std::map<std::string, std::string> reported;
  for (const pb::ReportedScore& score : m.reported().scores()) {
    reported[score.scale()] = absl::StrCat(score.points());
  }
  std::map<std::string, const pb::Score*> scores;
  for (const pb::Score& score : m.scores()) scores[score.scale()] = &score;
  std::vector<std::string> unverified;
  for (int i = 0; i < m.unverified_size(); ++i) unverified.push_back(Word(m.unverified(i)));

  std::vector<std::string> cells = {m.name().substr(0, m.name().find("/measurements/")),
                                    m.name(),
                                    m.instrument(),
                                    absl::StrCat(m.instrument_version()),
                                    Word(m.state()),
                                    Word(m.respondent()),
                                    Word(m.mode()),
                                    GuardedCsvCell(m.language()),
                                    TimeCell(m.complete_time()),
                                    TimeCell(m.receive_time()),
                                    m.session(),
                                    NumberCell(m.session_number()),
                                    NumberCell(m.week_number()),
                                    Word(m.phase()),
                                    Word(m.occasion()),
                                    GuardedCsvCell(m.external_id())};
  for (const std::string& item : items_) cells.push_back(items[item]);
  for (const std::string& scale : scales_) cells.push_back(reported[scale]);
  for (const std::string& scale : scales_) {
    const pb::Score* score = scores[scale];
    cells.push_back(score != nullptr && score->has_rounded() ? absl::StrCat(score->rounded()) : "");
    cells.push_back(score != nullptr ? Word(score->state()) : "");
  }
  for (std::string& cell : std::vector<std::string>{
           RiskCell(m), m.superseded() ? "true" : "", absl::StrCat(m.revision_number()),
           absl::StrJoin(unverified, " "), Word(m.binding_problem()), m.measurement_import(),
           absl::StrCat(m.revision())}) {
    cells.push_back(std::move(cell));
  }
  return absl::StrCat(absl::StrJoin(cells, ","), kLineEnd);
}

}  // namespace ipt::outcomes
