#include "outcomes/storage/instrument_json.h"

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"
#include "platform/errors/error.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"

namespace ipt::outcomes {
namespace {

// In the order in which it is written.
using Json = nlohmann::ordered_json;

template <typename Enum>
struct Name {
  Enum value;
  const char* name;
};

constexpr Name<Evidence> kEvidence[] = {{Evidence::kSeen, "seen"},
                                        {Evidence::kEstablished, "established"},
                                        {Evidence::kLikely, "likely"},
                                        {Evidence::kClinic, "clinic"}};
constexpr Name<Direction> kDirections[] = {{Direction::kHigherIsWorse, "higher_is_worse"},
                                           {Direction::kHigherIsBetter, "higher_is_better"}};
constexpr Name<Respondent> kRespondents[] = {{Respondent::kSelf, "self"},
                                             {Respondent::kClinician, "clinician"}};
constexpr Name<Comparison> kComparisons[] = {{Comparison::kAtLeast, "at_least"},
                                             {Comparison::kAbove, "above"},
                                             {Comparison::kAtMost, "at_most"},
                                             {Comparison::kBelow, "below"}};
constexpr Name<CutOffUse> kCutOffUses[] = {{CutOffUse::kCaseness, "caseness"},
                                           {CutOffUse::kScreening, "screening"},
                                           {CutOffUse::kRemission, "remission"}};
constexpr Name<TimeUnit> kTimeUnits[] = {
    {TimeUnit::kDay, "day"}, {TimeUnit::kWeek, "week"}, {TimeUnit::kMonth, "month"}};
constexpr Name<CodeSystem> kCodeSystems[] = {{CodeSystem::kLoinc, "loinc"},
                                             {CodeSystem::kSnomedCt, "snomed-ct"}};
constexpr Name<CodeUse> kCodeUses[] = {{CodeUse::kPanel, "panel"}, {CodeUse::kTotal, "total"}};

constexpr absl::Span<const Name<Evidence>> NamesOf(Evidence) { return kEvidence; }
constexpr absl::Span<const Name<Direction>> NamesOf(Direction) { return kDirections; }
constexpr absl::Span<const Name<Respondent>> NamesOf(Respondent) { return kRespondents; }
constexpr absl::Span<const Name<Comparison>> NamesOf(Comparison) { return kComparisons; }
constexpr absl::Span<const Name<CutOffUse>> NamesOf(CutOffUse) { return kCutOffUses; }
constexpr absl::Span<const Name<TimeUnit>> NamesOf(TimeUnit) { return kTimeUnits; }
constexpr absl::Span<const Name<CodeSystem>> NamesOf(CodeSystem) { return kCodeSystems; }
constexpr absl::Span<const Name<CodeUse>> NamesOf(CodeUse) { return kCodeUses; }

// The format, once for reading and writing: a visitor `v` is called with each key and its member.
// v.Key: must be there. v.Maybe: may be left out where it is empty, false, or what is named.

template <typename V, typename T>
void VisitBasis(V& v, T& basis) {
  v.Key("evidence", basis.evidence);
  v.Key("sources", basis.sources);
  v.Maybe("note", basis.note);
}

template <typename V>
void Visit(V& v, auto& look_back, const LookBack*) {
  v.Key("amount", look_back.amount);
  v.Key("unit", look_back.unit);
}

template <typename V>
void Visit(V& v, auto& code, const Code*) {
  v.Key("system", code.system);
  v.Key("use", code.use);
  v.Key("code", code.code);
  VisitBasis(v, code.basis);
}

template <typename V>
void Visit(V& v, auto& option, const Option*) {
  v.Key("id", option.id);
  v.Key("value", option.value);
  v.Maybe("text", option.text);
  v.Maybe("loinc", option.loinc);
}

template <typename V>
void Visit(V& v, auto& item, const Item*) {
  v.Key("id", item.id);
  v.Key("label", item.label);
  v.Maybe("text", item.text);
  v.Maybe("in_total", item.in_total, true);
  v.Maybe("reverse", item.reverse);
  v.Maybe("may_be_not_applicable", item.may_be_not_applicable);
  v.Maybe("loinc", item.loinc);
  v.Options("options", item.options);
}

template <typename V>
void Visit(V& v, auto& range, const Range*) {
  v.Key("min", range.min);
  v.Key("max", range.max);
}

template <typename V>
void Visit(V& v, auto& missing, const MissingRule*) {
  v.Key("max_missing", missing.max_missing);
  VisitBasis(v, missing.basis);
}

template <typename V>
void Visit(V& v, auto& skip, const SkipRule*) {
  v.Key("if_item", skip.if_item);
  v.Key("if_value", skip.if_value);
  v.Key("then_item", skip.then_item);
  v.Key("then_value", skip.then_value);
  VisitBasis(v, skip.basis);
}

template <typename V>
void Visit(V& v, auto& subscale, const Subscale*) {
  v.Key("id", subscale.id);
  v.Key("label", subscale.label);
  v.Key("items", subscale.items);
  v.Key("max_missing", subscale.max_missing);
  VisitBasis(v, subscale.basis);
}

template <typename V>
void Visit(V& v, auto& band, const Band*) {
  v.Key("id", band.id);
  v.Key("label", band.label);
  v.Key("low", band.low);
  v.Key("high", band.high);
}

template <typename V>
void Visit(V& v, auto& set, const BandSet*) {
  v.Key("rule_set", set.rule_set);
  v.Key("default", set.is_default);
  v.Key("bands", set.bands);
  VisitBasis(v, set.basis);
}

template <typename V>
void Visit(V& v, auto& cut, const CutOff*) {
  v.Key("rule_set", cut.rule_set);
  v.Key("use", cut.use);
  v.Key("default", cut.is_default);
  v.Key("comparison", cut.comparison);
  v.Key("value", cut.value);
  VisitBasis(v, cut.basis);
}

template <typename V>
void Visit(V& v, auto& change, const ReliableChange*) {
  v.Key("rule_set", change.rule_set);
  v.Key("default", change.is_default);
  v.Key("value", change.value);
  v.Key("inclusive", change.inclusive);
  VisitBasis(v, change.basis);
}

template <typename V>
void Visit(V& v, auto& risk, const RiskItem*) {
  v.Key("item", risk.item);
  v.Key("at_least", risk.at_least);
  v.Key("about", risk.about);
  VisitBasis(v, risk.basis);
}

template <typename V>
void Visit(V& v, auto& risk, const RiskTotal*) {
  v.Key("id", risk.id);
  v.Key("comparison", risk.comparison);
  v.Key("value", risk.value);
  v.Key("about", risk.about);
  VisitBasis(v, risk.basis);
}

template <typename V>
void Visit(V& v, auto& symptom, const SymptomCount::Symptom*) {
  v.Key("item", symptom.item);
  v.Key("at_least", symptom.at_least);
}

template <typename V>
void Visit(V& v, auto& result, const SymptomCount::Result*) {
  v.Key("id", result.id);
  v.Key("label", result.label);
  v.Key("low", result.low);
  v.Key("high", result.high);
}

template <typename V>
void Visit(V& v, auto& count, const SymptomCount*) {
  v.Key("id", count.id);
  v.Key("symptoms", count.symptoms);
  v.Key("one_of", count.one_of);
  v.Key("results", count.results);
  VisitBasis(v, count.basis);
}

template <typename V>
void Visit(V& v, auto& citation, const Citation*) {
  v.Key("key", citation.key);
  v.Key("text", citation.text);
}

template <typename V>
void Visit(V& v, auto& instrument, const Instrument*) {
  v.Key("id", instrument.id);
  v.Key("version", instrument.version);
  v.Key("language", instrument.language);
  v.Key("name", instrument.name);
  v.Key("measures", instrument.measures);
  v.Key("licence", instrument.licence);
  v.Key("attribution", instrument.attribution);
  v.Key("note", instrument.note);
  v.Key("text_included", instrument.text_included);
  v.Key("normed", instrument.normed);
  v.Key("respondents", instrument.respondents);
  v.Key("direction", instrument.direction);
  v.Key("look_back", instrument.look_back);
  v.Key("instructions", instrument.instructions);
  v.Key("codes", instrument.codes);
  v.OptionSets("option_sets");
  v.Key("items", instrument.items);
  v.Key("multiplier", instrument.multiplier);
  v.Key("range", instrument.range);
  v.Key("missing", instrument.missing);
  v.Key("skips", instrument.skips);
  v.Key("subscales", instrument.subscales);
  v.Key("bands", instrument.bands);
  v.Key("cut_offs", instrument.cut_offs);
  v.Key("reliable_change", instrument.reliable_change);
  v.Key("risk_items", instrument.risk_items);
  v.Key("risk_totals", instrument.risk_totals);
  v.Key("symptom_counts", instrument.symptom_counts);
  v.Key("citations", instrument.citations);
}

// Options that several items have, by their name in the file.
struct SharedOptions {
  std::map<std::string, std::vector<Option>> sets;
  std::set<std::string> used;
};

// Reads one object; what it does not find or understand goes to `bad`.
class Reader {
 public:
  Reader(const Json& object, SharedOptions& sets, FieldViolations& bad)
      : object_(object), sets_(sets), bad_(bad) {}

  // Reads `json` into `out`, of which `bad` is the path.
  template <typename T>
  static void ReadValue(const Json& json, T& out, SharedOptions& sets, FieldViolations bad) {
    if constexpr (std::is_same_v<T, bool>) {
      if (!json.is_boolean()) return bad.Add("", "must be true or false");
      json.get_to(out);
    } else if constexpr (std::is_same_v<T, int>) {
      if (!FitsInt(json)) return bad.Add("", "must be a whole number");
      json.get_to(out);
    } else if constexpr (std::is_same_v<T, double>) {
      if (!json.is_number()) return bad.Add("", "must be a number");
      json.get_to(out);
    } else if constexpr (std::is_same_v<T, std::string>) {
      if (!json.is_string()) return bad.Add("", "must be a string");
      json.get_to(out);
    } else if constexpr (std::is_enum_v<T>) {
      ReadEnum(json, out, bad);
    } else {
      ReadObject(json, out, sets, bad);
    }
  }

  template <typename T>
  static void ReadValue(const Json& json, std::vector<T>& out, SharedOptions& sets,
                        FieldViolations bad) {
    if (!json.is_array()) return bad.Add("", "must be an array");
    for (size_t i = 0; i < json.size(); ++i) {
      ReadValue(json[i], out.emplace_back(), sets, bad.At("", i));
    }
  }

  template <typename T>
  static void ReadValue(const Json& json, std::optional<T>& out, SharedOptions& sets,
                        FieldViolations bad) {
    if (!json.is_null()) ReadValue(json, out.emplace(), sets, bad);
  }

  template <typename T>
  void Key(const char* key, T& out) {
    known_.insert(key);
    const auto found = object_.find(key);
    if (found == object_.end()) return bad_.Add(key, "is missing");
    ReadValue(*found, out, sets_, bad_.In(key));
  }

  template <typename T>
  void Maybe(const char* key, T& out, const T& = T()) {
    known_.insert(key);
    const auto found = object_.find(key);
    if (found != object_.end()) ReadValue(*found, out, sets_, bad_.In(key));
  }

  // An array of options, or the name of a set of them.
  void Options(const char* key, std::vector<Option>& out) {
    const auto found = object_.find(key);
    if (found == object_.end() || !found->is_string()) return Key(key, out);
    known_.insert(key);
    const auto& name = found->get_ref<const std::string&>();
    const auto set = sets_.sets.find(name);
    if (set == sets_.sets.end()) return bad_.Add(key, "names no option set");
    sets_.used.insert(name);
    out = set->second;
  }

  void OptionSets(const char* key) {
    known_.insert(key);
    const auto found = object_.find(key);
    if (found == object_.end()) return;
    FieldViolations in = bad_.In(key);
    if (!found->is_object()) return in.Add("", "must be an object");
    for (const auto& [name, options] : found->items()) {
      ReadValue(options, sets_.sets[name], sets_, in.In(name));
    }
  }

  void RefuseUnknownKeys() {
    for (const auto& [key, value] : object_.items()) {
      if (!known_.contains(key)) bad_.Add(key, "is no key of the format");
    }
  }

 private:
  static bool FitsInt(const Json& json) {
    if (!json.is_number_integer()) return false;
    if (json.is_number_unsigned()) {
      return json.get<uint64_t>() <= uint64_t{std::numeric_limits<int>::max()};
    }
    return json.get<int64_t>() >= std::numeric_limits<int>::min();
  }

  template <typename Enum>
  static void ReadEnum(const Json& json, Enum& out, FieldViolations& bad) {
    std::vector<absl::string_view> names;
    for (const auto& known : NamesOf(Enum())) {
      if (json.is_string() && json.get_ref<const std::string&>() == known.name) {
        out = known.value;
        return;
      }
      names.push_back(known.name);
    }
    bad.Add("", absl::StrCat("must be one of ", absl::StrJoin(names, ", ")));
  }

  template <typename T>
  static void ReadObject(const Json& json, T& out, SharedOptions& sets, FieldViolations& bad) {
    if (!json.is_object()) return bad.Add("", "must be an object");
    Reader reader(json, sets, bad);
    Visit(reader, out, static_cast<const T*>(nullptr));
    reader.RefuseUnknownKeys();
  }

  const Json& object_;
  SharedOptions& sets_;
  FieldViolations& bad_;
  std::set<std::string> known_;
};

class Writer {
 public:
  template <typename T>
  static Json WriteValue(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      for (const auto& known : NamesOf(T())) {
        if (known.value == value) return known.name;
      }
      return nullptr;
    } else if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string>) {
      Writer writer;
      Visit(writer, value, static_cast<const T*>(nullptr));
      return std::move(writer.object_);
    } else {
      return value;
    }
  }

  template <typename T>
  static Json WriteValue(const std::vector<T>& list) {
    Json array = Json::array();
    for (const T& value : list) array.push_back(WriteValue(value));
    return array;
  }

  template <typename T>
  static Json WriteValue(const std::optional<T>& value) {
    return value.has_value() ? WriteValue(*value) : Json();
  }

  template <typename T>
  void Key(const char* key, const T& value) {
    object_[key] = WriteValue(value);
  }

  template <typename T>
  void Maybe(const char* key, const T& value, const T& usual = T()) {
    if (!(value == usual)) Key(key, value);
  }

  void Options(const char* key, const std::vector<Option>& options) { Key(key, options); }
  void OptionSets(const char*) {}

 private:
  Json object_ = Json::object();
};

absl::Status InFile(absl::string_view file, const FieldViolations& bad) {
  const absl::Status status = bad.ToStatus();
  if (status.ok()) return absl::OkStatus();
  std::vector<std::string> lines;
  for (const FieldViolation& violation : FieldViolationsOf(status)) {
    const absl::string_view field =
        violation.field.empty() ? "the whole" : absl::string_view(violation.field);
    lines.push_back(absl::StrCat(file, ": ", field, ": ", violation.description));
  }
  return absl::InvalidArgumentError(absl::StrJoin(lines, "\n"));
}

// JSON itself lets a key be there twice, and takes the last.
absl::Status Parse(absl::string_view file, absl::string_view text, Json& json) {
  std::vector<std::set<std::string>> open;
  std::string twice;
  const auto watch = [&](int, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::object_start) open.emplace_back();
    if (event == Json::parse_event_t::object_end) open.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = parsed.get_ref<const std::string&>();
      if (!open.back().insert(key).second) twice = key;
    }
    return true;
  };
  try {
    json = Json::parse(text.begin(), text.end(), watch);
  } catch (const Json::parse_error& error) {
    const auto line = 1 + absl::c_count(text.substr(0, error.byte), '\n');
    return absl::InvalidArgumentError(absl::StrCat(file, ": line ", line, ": is no valid JSON"));
  }
  if (twice.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(file, ": ", twice, ": is there twice"));
}

}  // namespace

absl::StatusOr<Instrument> ReadInstrument(absl::string_view file, absl::string_view text) {
  Json json;
  IPT_RETURN_IF_ERROR(Parse(file, text, json));
  Instrument instrument;
  SharedOptions sets;
  FieldViolations bad;
  Reader::ReadValue(json, instrument, sets, bad.In(""));
  for (const auto& [name, options] : sets.sets) {
    if (!sets.used.contains(name)) bad.In("option_sets").Add(name, "is used by no item");
  }
  IPT_RETURN_IF_ERROR(InFile(file, bad));
  ValidateInstrument(instrument, bad.In(""));
  IPT_RETURN_IF_ERROR(InFile(file, bad));
  return instrument;
}

std::string WriteInstrument(const Instrument& instrument) {
  return Writer::WriteValue(instrument).dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusOr<std::vector<Instrument>> ShippedInstruments() {
  std::vector<Instrument> instruments;
  for (const EmbeddedFile& file : InstrumentFiles()) {
    IPT_ASSIGN_OR_RETURN(Instrument instrument, ReadInstrument(file.name, file.text));
    if (absl::StrCat(instrument.id, ".json") != file.name) {
      return absl::InvalidArgumentError(absl::StrCat(file.name, ": id: must be the file's name"));
    }
    instruments.push_back(std::move(instrument));
  }
  return instruments;
}

std::string ShippedText() {
  std::string text;
  for (const EmbeddedFile& file : InstrumentFiles()) absl::StrAppend(&text, file.name, file.text);
  return text;
}

}  // namespace ipt::outcomes
