#include "outcomes/storage/instrument_json.h"

#include <map>
#include <optional>
#include <set>
#include <type_traits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "platform/errors/field_violations.h"
#include "platform/errors/status_macros.h"
#include "platform/json/strict_json.h"

namespace ipt::outcomes {
namespace {

constexpr JsonName<Evidence> kEvidence[] = {{Evidence::kSeen, "seen"},
                                            {Evidence::kEstablished, "established"},
                                            {Evidence::kLikely, "likely"},
                                            {Evidence::kClinic, "clinic"}};
constexpr JsonName<Direction> kDirections[] = {{Direction::kHigherIsWorse, "higher_is_worse"},
                                               {Direction::kHigherIsBetter, "higher_is_better"}};
constexpr JsonName<Respondent> kRespondents[] = {{Respondent::kSelf, "self"},
                                                 {Respondent::kClinician, "clinician"}};
constexpr JsonName<Comparison> kComparisons[] = {{Comparison::kAtLeast, "at_least"},
                                                 {Comparison::kAbove, "above"},
                                                 {Comparison::kAtMost, "at_most"},
                                                 {Comparison::kBelow, "below"}};
constexpr JsonName<CutOffUse> kCutOffUses[] = {{CutOffUse::kCaseness, "caseness"},
                                               {CutOffUse::kScreening, "screening"},
                                               {CutOffUse::kRemission, "remission"}};
constexpr JsonName<TimeUnit> kTimeUnits[] = {
    {TimeUnit::kDay, "day"}, {TimeUnit::kWeek, "week"}, {TimeUnit::kMonth, "month"}};
constexpr JsonName<CodeSystem> kCodeSystems[] = {{CodeSystem::kLoinc, "loinc"},
                                                 {CodeSystem::kSnomedCt, "snomed-ct"}};
constexpr JsonName<CodeUse> kCodeUses[] = {{CodeUse::kPanel, "panel"}, {CodeUse::kTotal, "total"}};

constexpr absl::Span<const JsonName<Evidence>> NamesOf(Evidence) { return kEvidence; }
constexpr absl::Span<const JsonName<Direction>> NamesOf(Direction) { return kDirections; }
constexpr absl::Span<const JsonName<Respondent>> NamesOf(Respondent) { return kRespondents; }
constexpr absl::Span<const JsonName<Comparison>> NamesOf(Comparison) { return kComparisons; }
constexpr absl::Span<const JsonName<CutOffUse>> NamesOf(CutOffUse) { return kCutOffUses; }
constexpr absl::Span<const JsonName<TimeUnit>> NamesOf(TimeUnit) { return kTimeUnits; }
constexpr absl::Span<const JsonName<CodeSystem>> NamesOf(CodeSystem) { return kCodeSystems; }
constexpr absl::Span<const JsonName<CodeUse>> NamesOf(CodeUse) { return kCodeUses; }

// Options that several items have, by their name in the file.
struct SharedOptions {
  std::map<std::string, std::vector<Option>> sets;
  std::set<std::string> used;
};

struct Format;
class Writer;
void VisitOptions(JsonReader<Format>& v, std::vector<Option>& options);
void VisitOptions(Writer& v, const std::vector<Option>& options);
void VisitOptionSets(JsonReader<Format>& v);
void VisitOptionSets(Writer&) {}

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
  VisitOptions(v, item.options);
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
  VisitOptionSets(v);
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

struct Format {
  using Context = SharedOptions;
  template <typename V, typename T>
  static void Visit(V& v, T& value) {
    outcomes::Visit(v, value, static_cast<const std::remove_const_t<T>*>(nullptr));
  }
  template <typename Enum>
  static absl::Span<const JsonName<Enum>> NamesOf(Enum value) {
    return outcomes::NamesOf(value);
  }
};

// An array of options, or the name of a set of them.
void VisitOptions(JsonReader<Format>& v, std::vector<Option>& options) {
  constexpr char kKey[] = "options";
  const OrderedJson* found = v.Find(kKey);
  if (found == nullptr || !found->is_string()) return v.Key(kKey, options);
  const auto& name = found->get_ref<const std::string&>();
  const auto set = v.context().sets.find(name);
  if (set == v.context().sets.end()) return v.bad().Add(kKey, "names no option set");
  v.context().used.insert(name);
  options = set->second;
}

void VisitOptionSets(JsonReader<Format>& v) {
  constexpr char kKey[] = "option_sets";
  const OrderedJson* found = v.Find(kKey);
  if (found == nullptr) return;
  FieldViolations in = v.bad().In(kKey);
  if (!found->is_object()) return in.Add("", "must be an object");
  SharedOptions& shared = v.context();
  for (const auto& [name, options] : found->items()) {
    JsonReader<Format>::ReadValue(options, shared.sets[name], shared, in.In(name));
  }
}

class Writer {
 public:
  template <typename T>
  static OrderedJson WriteValue(const T& value) {
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
  static OrderedJson WriteValue(const std::vector<T>& list) {
    OrderedJson array = OrderedJson::array();
    for (const T& value : list) array.push_back(WriteValue(value));
    return array;
  }

  template <typename T>
  static OrderedJson WriteValue(const std::optional<T>& value) {
    return value.has_value() ? WriteValue(*value) : OrderedJson();
  }

  template <typename T>
  void Key(const char* key, const T& value) {
    object_[key] = WriteValue(value);
  }

  template <typename T>
  void Maybe(const char* key, const T& value, const T& usual = T()) {
    if (!(value == usual)) Key(key, value);
  }

 private:
  OrderedJson object_ = OrderedJson::object();
};

void VisitOptions(Writer& v, const std::vector<Option>& options) { v.Key("options", options); }

}  // namespace

absl::StatusOr<Instrument> ReadInstrument(absl::string_view file, absl::string_view text) {
  OrderedJson json;
  IPT_RETURN_IF_ERROR(ParseStrictly(file, text, json));
  Instrument instrument;
  SharedOptions sets;
  FieldViolations bad;
  JsonReader<Format>::ReadValue(json, instrument, sets, bad.In(""));
  for (const auto& [name, options] : sets.sets) {
    if (!sets.used.contains(name)) bad.In("option_sets").Add(name, "is used by no item");
  }
  IPT_RETURN_IF_ERROR(InFile(file, bad));
  ValidateInstrument(instrument, bad.In(""));
  IPT_RETURN_IF_ERROR(InFile(file, bad));
  return instrument;
}

std::string WriteInstrument(const Instrument& instrument) {
  return Writer::WriteValue(instrument).dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
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
