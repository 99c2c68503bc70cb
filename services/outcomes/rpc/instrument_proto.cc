#include "outcomes/rpc/instrument_proto.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "outcomes/domain/names.h"
#include "platform/rpc/stamp.h"

namespace ipt::outcomes {
namespace {

// What a definition of ours measures, in the contract's order.
constexpr const char* kMeasures[] = {"",     "depression",  "anxiety",    "distress",
                                     "ptsd", "functioning", "well-being", "problem",
                                     "goal", "other"};

pb::Construct ConstructOf(const std::string& measures) {
  for (int i = 1; i < pb::Construct_ARRAYSIZE; ++i) {
    if (measures == kMeasures[i]) return static_cast<pb::Construct>(i);
  }
  return pb::CONSTRUCT_OTHER;
}

pb::Evidence EvidenceOf(Evidence evidence) {
  switch (evidence) {
    case Evidence::kSeen:
      return pb::EVIDENCE_VERIFIED;
    case Evidence::kEstablished:
    case Evidence::kClinic:
      return pb::EVIDENCE_ESTABLISHED;
    case Evidence::kLikely:
      return pb::EVIDENCE_TO_CONFIRM;
  }
  return pb::EVIDENCE_TO_CONFIRM;
}

void WriteSource(const Instrument& definition, const Basis& basis, pb::Source* out) {
  out->set_evidence(EvidenceOf(basis.evidence));
  std::string text;
  for (const std::string& key : basis.sources) {
    for (const Citation& citation : definition.citations) {
      if (citation.key == key) absl::StrAppend(&text, text.empty() ? "" : "; ", citation.text);
    }
  }
  out->set_citation(text);
}

int DaysOf(const LookBack& look_back) {
  switch (look_back.unit) {
    case TimeUnit::kDay:
      return look_back.amount;
    case TimeUnit::kWeek:
      return 7 * look_back.amount;
    case TimeUnit::kMonth:
      return 30 * look_back.amount;
  }
  return 0;
}

const Option* OptionOfValue(const Item& item, int value) {
  for (const Option& option : item.options) {
    if (option.value == value) return &option;
  }
  return nullptr;
}

void WriteItem(const Instrument& definition, const Item& item, int number, pb::Item* out) {
  out->set_id(item.id);
  out->set_number(number);
  out->set_label(item.label);
  out->set_text(item.text);
  out->set_reverse_scored(item.reverse);
  out->set_may_be_not_applicable(item.may_be_not_applicable);
  out->set_loinc_code(item.loinc);
  for (const Option& option : item.options) {
    pb::ResponseOption* written = out->add_options();
    written->set_id(option.id);
    written->set_value(option.value);
    written->set_points(item.Scored(option.value));
    written->set_label(option.text);
    written->set_loinc_code(option.loinc);
  }
  for (const SkipRule& skip : definition.skips) {
    if (skip.then_item != item.id) continue;
    const Option* implying = OptionOfValue(*definition.FindItem(skip.if_item), skip.if_value);
    const Option* implied = OptionOfValue(item, skip.then_value);
    out->mutable_implied()->set_item(skip.if_item);
    out->mutable_implied()->set_option(implying->id);
    out->mutable_implied()->set_implied_option(implied->id);
  }
}

void WriteMissing(const Instrument& definition, int max_missing, const Basis& basis,
                  pb::Scale* out) {
  pb::MissingItemRule* rule = out->mutable_missing_items();
  if (max_missing == 0) {
    rule->set_method(pb::MISSING_ITEM_METHOD_REQUIRE_ALL);
    return;
  }
  rule->set_method(pb::MISSING_ITEM_METHOD_PRORATE);
  rule->set_max_missing(max_missing);
  WriteSource(definition, basis, rule->mutable_source());
}

// The default ones first: where a policy names none, the first holds.
template <typename T>
std::vector<const T*> DefaultsFirst(const std::vector<T>& all) {
  std::vector<const T*> sorted;
  for (const T& one : all) sorted.push_back(&one);
  std::stable_partition(sorted.begin(), sorted.end(), [](const T* one) { return one->is_default; });
  return sorted;
}

void WriteTotal(const Instrument& definition, pb::Scale* out) {
  out->set_id(kTotal);
  out->set_display_name("Total");
  for (const Item& item : definition.items) {
    if (item.in_total) out->add_items(item.id);
  }
  out->set_aggregation(pb::AGGREGATION_SUM);
  out->set_multiplier(definition.multiplier);
  out->set_minimum(definition.range.min);
  out->set_maximum(definition.range.max);
  WriteMissing(definition, definition.missing.max_missing, definition.missing.basis, out);
  if (const BandSet* set = definition.DefaultBands(); set != nullptr) {
    for (const Band& band : set->bands) {
      pb::Band* written = out->add_bands();
      written->set_id(band.id);
      written->set_display_name(band.label);
      written->set_lowest(band.low);
      written->set_highest(band.high);
    }
    WriteSource(definition, set->basis, out->mutable_bands_source());
  }
  for (const CutOff* cut_off : DefaultsFirst(definition.cut_offs)) {
    pb::CutOff* written = out->add_cut_offs();
    written->set_kind(static_cast<pb::CutOffKind>(cut_off->use));
    written->set_points(cut_off->value);
    written->set_inclusive(cut_off->comparison == Comparison::kAtLeast ||
                           cut_off->comparison == Comparison::kAtMost);
    written->set_rule_set(cut_off->rule_set);
    WriteSource(definition, cut_off->basis, written->mutable_source());
  }
  for (const ReliableChange* change : DefaultsFirst(definition.reliable_change)) {
    pb::ReliableChange* written = out->add_reliable_changes();
    written->set_points(change->value);
    written->set_inclusive(change->inclusive);
    written->set_rule_set(change->rule_set);
    WriteSource(definition, change->basis, written->mutable_source());
  }
  for (const Code& code : definition.codes) {
    if (code.use != CodeUse::kTotal) continue;
    if (code.system == CodeSystem::kLoinc) out->set_loinc_code(code.code);
    if (code.system == CodeSystem::kSnomedCt) out->set_snomed_code(code.code);
  }
}

void WriteSubscale(const Instrument& definition, const Subscale& subscale, pb::Scale* out) {
  out->set_id(subscale.id);
  out->set_display_name(subscale.label);
  Range range;
  for (const std::string& id : subscale.items) {
    out->add_items(id);
    range.min += definition.FindItem(id)->MinValue();
    range.max += definition.FindItem(id)->MaxValue();
  }
  out->set_aggregation(pb::AGGREGATION_SUM);
  out->set_multiplier(1);
  out->set_minimum(range.min);
  out->set_maximum(range.max);
  WriteMissing(definition, subscale.max_missing, subscale.basis, out);
}

void WriteDefinition(const HeldInstrument& held, pb::Instrument* out) {
  const Instrument& definition = held.definition;
  out->set_display_name(definition.name);
  out->set_construct(ConstructOf(definition.measures));
  out->set_language(definition.language);
  out->mutable_licence()->set_title(definition.licence);
  out->mutable_licence()->set_attribution(definition.attribution);
  out->mutable_licence()->set_text_included(definition.text_included);
  for (const Citation& citation : definition.citations) out->add_citations(citation.text);
  for (const AnsweredBy respondent : held.respondents) {
    out->add_respondents(static_cast<pb::Respondent>(respondent));
  }
  if (definition.look_back.has_value()) out->set_lookback_days(DaysOf(*definition.look_back));
  out->set_stem(definition.instructions);
  for (size_t i = 0; i < definition.items.size(); ++i) {
    WriteItem(definition, definition.items[i], static_cast<int>(i) + 1, out->add_items());
  }
  WriteTotal(definition, out->add_scales());
  for (const Subscale& subscale : definition.subscales) {
    WriteSubscale(definition, subscale, out->add_scales());
  }
  for (pb::Scale& scale : *out->mutable_scales()) {
    scale.set_direction(static_cast<pb::Direction>(definition.direction));
    scale.set_without_norms(!definition.normed);
  }
  size_t rule = 0;
  for (const RiskItem& risk : definition.risk_items) {
    pb::RiskRule* written = out->add_risk_rules();
    written->set_id(held.risk_rules[rule++]);
    written->set_display_name(risk.about);
    written->set_item(risk.item);
    written->set_at_points(risk.at_least);
    WriteSource(definition, risk.basis, written->mutable_source());
  }
  for (const RiskTotal& risk : definition.risk_totals) {
    pb::RiskRule* written = out->add_risk_rules();
    written->set_id(held.risk_rules[rule++]);
    written->set_display_name(risk.about);
    written->set_scale(kTotal);
    written->set_at_points(risk.value);
    WriteSource(definition, risk.basis, written->mutable_source());
  }
  for (const Code& code : definition.codes) {
    if (code.use == CodeUse::kPanel && code.system == CodeSystem::kLoinc) {
      out->set_loinc_code(code.code);
    }
  }
  out->set_notes(definition.note);
}

// Reads what is registered into what scores.
class DefinitionReader {
 public:
  DefinitionReader(const pb::Instrument& in, HeldInstrument& held, FieldViolations& bad)
      : in_(in), held_(held), definition_(held.definition), bad_(bad) {}

  void Run() {
    ReadHead();
    for (int i = 0; i < in_.items_size(); ++i) ReadItem(i);
    for (int i = 0; i < in_.items_size(); ++i) ReadImplied(i);
    ReadScales();
    for (int i = 0; i < in_.risk_rules_size(); ++i) ReadRiskRule(i, true);
    for (int i = 0; i < in_.risk_rules_size(); ++i) ReadRiskRule(i, false);
    Validate();
  }

 private:
  void ReadHead() {
    definition_.version = std::max(in_.version(), 1);
    if (in_.version() < 0) bad_.Add("version", "must not be negative");
    definition_.name = in_.display_name();
    if (in_.construct() == pb::CONSTRUCT_UNSPECIFIED || !pb::Construct_IsValid(in_.construct())) {
      bad_.Add("construct", "is required");
      definition_.measures = "other";
    } else {
      definition_.measures = kMeasures[in_.construct()];
    }
    definition_.language = in_.language();
    definition_.licence = in_.licence().title();
    definition_.attribution = in_.licence().attribution();
    if (in_.licence().attribution().empty()) bad_.Add("licence.attribution", "is required");
    definition_.text_included = in_.licence().text_included();
    definition_.note = in_.notes();
    definition_.instructions = in_.stem();
    for (int i = 0; i < in_.citations_size(); ++i) {
      CitationKey(in_.citations(i), absl::StrCat("citations[", i, "]"));
    }
    if (in_.citations().empty()) bad_.Add("citations", "must name one at least");
    std::set<int> seen;
    for (int i = 0; i < in_.respondents_size(); ++i) {
      const int respondent = in_.respondents(i);
      if (respondent == 0 || !pb::Respondent_IsValid(respondent) ||
          !seen.insert(respondent).second) {
        bad_.At("respondents", i).Add("", "must be a respondent, each once");
        continue;
      }
      held_.respondents.push_back(static_cast<AnsweredBy>(respondent));
      const Respondent own =
          respondent == pb::RESPONDENT_CLINICIAN_RATED ? Respondent::kClinician : Respondent::kSelf;
      if (std::find(definition_.respondents.begin(), definition_.respondents.end(), own) ==
          definition_.respondents.end()) {
        definition_.respondents.push_back(own);
      }
    }
    if (in_.respondents().empty()) bad_.Add("respondents", "must name one at least");
    if (in_.lookback_days() < 0 || in_.lookback_days() > 366) {
      bad_.Add("lookback_days", "must be 0 to 366");
    } else if (in_.lookback_days() > 0) {
      definition_.look_back = LookBack{in_.lookback_days(), TimeUnit::kDay};
    }
    if (!in_.loinc_code().empty()) {
      definition_.codes.push_back({CodeSystem::kLoinc, CodeUse::kPanel, in_.loinc_code(), Own()});
      code_fields_.push_back("loinc_code");
    }
  }

  // The key of a citation, which is added where it is new; `field`: where it is stated.
  std::string CitationKey(const std::string& text, std::string field = "") {
    for (const Citation& citation : definition_.citations) {
      if (citation.text == text) return citation.key;
    }
    std::string key = absl::StrCat("c", definition_.citations.size() + 1);
    definition_.citations.push_back({key, text});
    citation_fields_.push_back(std::move(field));
    return key;
  }

  Basis Own() {
    Basis basis{.evidence = Evidence::kClinic};
    if (!in_.citations().empty()) basis.sources.push_back(CitationKey(in_.citations(0)));
    return basis;
  }

  Basis ReadSource(const pb::Source& source, absl::string_view field, FieldViolations& at) {
    Basis basis;
    FieldViolations in = at.In(field);
    if (absl::StripAsciiWhitespace(source.citation()).empty()) {
      in.Add("citation", "is required: where the number comes from");
      return Own();
    }
    if (!IsPlainText(source.citation())) {
      in.Add("citation", "must have no control characters but line feeds");
      return Own();
    }
    switch (source.evidence()) {
      case pb::EVIDENCE_VERIFIED:
        basis.evidence = Evidence::kSeen;
        break;
      case pb::EVIDENCE_ESTABLISHED:
        basis.evidence = Evidence::kEstablished;
        break;
      case pb::EVIDENCE_TO_CONFIRM:
        basis.evidence = Evidence::kLikely;
        break;
      default:
        in.Add("evidence", "is required");
        return Own();
    }
    basis.sources.push_back(CitationKey(source.citation()));
    return basis;
  }

  void ReadItem(int i) {
    const pb::Item& in = in_.items(i);
    FieldViolations at = bad_.At("items", i);
    Item& item = definition_.items.emplace_back();
    item.id = in.id();
    item.label = in.label();
    item.text = in.text();
    item.may_be_not_applicable = in.may_be_not_applicable();
    item.loinc = in.loinc_code();
    if (in.number() != i + 1) at.Add("number", absl::StrCat("must be its place, ", i + 1));
    std::set<int> values;
    bool complete = true;
    for (int k = 0; k < in.options_size(); ++k) {
      const pb::ResponseOption& option = in.options(k);
      FieldViolations in_option = at.At("options", k);
      if (!option.has_value()) in_option.Add("value", "is required");
      if (!option.has_points()) in_option.Add("points", "is required");
      complete &= option.has_value() && option.has_points();
      if (option.has_value() && !values.insert(option.value()).second) {
        in_option.Add("value", "must be unique within the item");
      }
      item.options.push_back({option.id(), option.value(), option.label(), option.loinc_code()});
    }
    if (!complete || in.options().empty() || !InRange(in)) return;
    // Points are the values, or these turned round: nothing else is scored here.
    const auto straight = [](const pb::ResponseOption& o) { return o.points() == o.value(); };
    const auto turned = [&](const pb::ResponseOption& o) {
      return o.points() == item.MinValue() + item.MaxValue() - o.value();
    };
    if (!in.reverse_scored() && std::all_of(in.options().begin(), in.options().end(), straight)) {
      return;
    }
    if (std::all_of(in.options().begin(), in.options().end(), turned)) {
      item.reverse = true;
      return;
    }
    at.Add("options", in.reverse_scored()
                          ? "must have points that are the values, turned round"
                          : "must have points that are the values, or these turned round");
  }

  // Values and points that can be counted with; the definition's own check tells of others.
  static bool InRange(const pb::Item& item) {
    return std::all_of(item.options().begin(), item.options().end(), [](const auto& option) {
      return std::abs(int64_t{option.value()}) <= 1000 &&
             std::abs(int64_t{option.points()}) <= 1000;
    });
  }

  void ReadImplied(int i) {
    if (!in_.items(i).has_implied()) return;
    const pb::ImpliedAnswer& implied = in_.items(i).implied();
    FieldViolations at = bad_.At("items", i).In("implied");
    const Item* asked = definition_.FindItem(implied.item());
    if (asked == nullptr) {
      at.Add("item", "must be the id of an item before it");
      return;
    }
    const auto find = [](const Item& item, const std::string& id) -> const Option* {
      for (const Option& option : item.options) {
        if (option.id == id) return &option;
      }
      return nullptr;
    };
    const Option* option = find(*asked, implied.option());
    const Option* follows = find(definition_.items[i], implied.implied_option());
    if (option == nullptr) at.Add("option", "must be an option of that item");
    if (follows == nullptr) at.Add("implied_option", "must be an option of this item");
    if (option == nullptr || follows == nullptr) return;
    skip_fields_.push_back(absl::StrCat("items[", i, "].implied"));
    definition_.skips.push_back(
        {asked->id, option->value, definition_.items[i].id, follows->value, Own()});
  }

  // Reads a number that has to be whole.
  static int Whole(double value, absl::string_view field, FieldViolations& at) {
    if (!(std::abs(value) <= 1e6) || std::trunc(value) != value) {
      at.Add(field, "must be a whole number");
      return 0;
    }
    return static_cast<int>(value);
  }

  void ReadScales() {
    if (in_.scales().empty() || in_.scales(0).id() != kTotal) {
      bad_.Add("scales", "must begin with the scale \"total\"");
      return;
    }
    ReadTotal(in_.scales(0), bad_.At("scales", 0));
    for (int i = 1; i < in_.scales_size(); ++i) ReadSubscale(in_.scales(i), bad_.At("scales", i));
  }

  int ReadCommon(const pb::Scale& scale, FieldViolations& at, Basis& missing_basis) {
    if (scale.aggregation() == pb::AGGREGATION_MEAN) {
      at.Add("aggregation",
             "must be SUM: means are not scored; multiply a sum, or report the score");
    }
    if (scale.decimals() != 0) at.Add("decimals", "must be 0: sums are whole points");
    if (!scale.highest_of().empty()) {
      at.Add("highest_of", "must be empty: groups are not scored; report the score");
    }
    if (scale.direction() != in_.scales(0).direction()) {
      at.Add("direction", "must be that of the total");
    }
    const pb::MissingItemRule& missing = scale.missing_items();
    missing_basis = Own();
    if (missing.method() != pb::MISSING_ITEM_METHOD_PRORATE) {
      if (missing.max_missing() != 0) {
        at.Add("missing_items.max_missing", "must be 0 unless the method is PRORATE");
      }
      return 0;
    }
    if (missing.max_missing() < 1) at.Add("missing_items.max_missing", "must be at least 1");
    FieldViolations in = at.In("missing_items");
    missing_basis = ReadSource(missing.source(), "source", in);
    return missing.max_missing();
  }

  void ReadTotal(const pb::Scale& scale, FieldViolations at) {
    definition_.normed = !scale.without_norms();
    definition_.multiplier = scale.multiplier() == 0 ? 1 : scale.multiplier();
    definition_.range = {Whole(scale.minimum(), "minimum", at),
                         Whole(scale.maximum(), "maximum", at)};
    definition_.direction = static_cast<Direction>(scale.direction());
    definition_.missing.max_missing = ReadCommon(scale, at, definition_.missing.basis);
    std::set<std::string> counted;
    for (int i = 0; i < scale.items_size(); ++i) {
      if (definition_.FindItem(scale.items(i)) == nullptr) {
        at.At("items", i).Add("", "must be the id of an item");
      } else if (!counted.insert(scale.items(i)).second) {
        at.At("items", i).Add("", "must not be named twice");
      }
    }
    for (Item& item : definition_.items) item.in_total = counted.contains(item.id);
    if (!scale.bands().empty()) {
      BandSet& set = definition_.bands.emplace_back();
      set.rule_set = "registered";
      set.basis = ReadSource(scale.bands_source(), "bands_source", at);
      set.is_default = set.basis.evidence != Evidence::kLikely;
      for (int i = 0; i < scale.bands_size(); ++i) {
        const pb::Band& band = scale.bands(i);
        FieldViolations in = at.At("bands", i);
        set.bands.push_back({band.id(), band.display_name(), Whole(band.lowest(), "lowest", in),
                             Whole(band.highest(), "highest", in)});
      }
    }
    std::set<int> kinds;
    for (int i = 0; i < scale.cut_offs_size(); ++i) {
      const std::string field = absl::StrCat("cut_offs[", i, "]");
      ReadCutOff(scale.cut_offs(i), absl::StrCat("scales[0].", field), at.In(field), kinds);
    }
    bool first = true;
    for (int i = 0; i < scale.reliable_changes_size(); ++i) {
      const pb::ReliableChange& in = scale.reliable_changes(i);
      FieldViolations in_change = at.At("reliable_changes", i);
      ReliableChange& change = definition_.reliable_change.emplace_back();
      change.rule_set = in.rule_set();
      change.value = in.points();
      change.inclusive = in.inclusive();
      change.basis = ReadSource(in.source(), "source", in_change);
      change.is_default = first && change.basis.evidence != Evidence::kLikely;
      first &= !change.is_default;
    }
    if (!scale.loinc_code().empty()) {
      definition_.codes.push_back({CodeSystem::kLoinc, CodeUse::kTotal, scale.loinc_code(), Own()});
      code_fields_.push_back("scales[0].loinc_code");
    }
    if (!scale.snomed_code().empty()) {
      definition_.codes.push_back(
          {CodeSystem::kSnomedCt, CodeUse::kTotal, scale.snomed_code(), Own()});
      code_fields_.push_back("scales[0].snomed_code");
    }
  }

  void ReadCutOff(const pb::CutOff& in, const std::string& field, FieldViolations at,
                  std::set<int>& kinds) {
    if (in.kind() == pb::CUT_OFF_KIND_UNSPECIFIED || !pb::CutOffKind_IsValid(in.kind())) {
      at.Add("kind", "is required");
      return;
    }
    cut_off_fields_.push_back(field);
    CutOff& cut_off = definition_.cut_offs.emplace_back();
    cut_off.rule_set = in.rule_set();
    cut_off.use = static_cast<CutOffUse>(in.kind());
    cut_off.value = Whole(in.points(), "points", at);
    // As the definition's check has it, so that a direction that is none is told once.
    const bool upwards = (definition_.direction != Direction::kHigherIsBetter) !=
                         (in.kind() == pb::CUT_OFF_KIND_REMISSION);
    cut_off.comparison = upwards ? (in.inclusive() ? Comparison::kAtLeast : Comparison::kAbove)
                                 : (in.inclusive() ? Comparison::kAtMost : Comparison::kBelow);
    cut_off.basis = ReadSource(in.source(), "source", at);
    cut_off.is_default =
        cut_off.basis.evidence != Evidence::kLikely && kinds.insert(in.kind()).second;
  }

  void ReadSubscale(const pb::Scale& scale, FieldViolations at) {
    Subscale& subscale = definition_.subscales.emplace_back();
    subscale.id = scale.id();
    subscale.label = scale.display_name();
    subscale.items.assign(scale.items().begin(), scale.items().end());
    subscale.max_missing = ReadCommon(scale, at, subscale.basis);
    if (scale.id() == kTotal) at.Add("id", "must not be \"total\" again");
    if (scale.multiplier() > 1) at.Add("multiplier", "must be 1: only the total is multiplied");
    if (!scale.bands().empty()) at.Add("bands", "must be empty: only the total has bands");
    if (!scale.cut_offs().empty()) at.Add("cut_offs", "must be empty: only the total has cut-offs");
    if (!scale.reliable_changes().empty()) {
      at.Add("reliable_changes", "must be empty: only the total has reliable change");
    }
    int64_t least = 0;  // of values that may be out of their range, which is told below
    int64_t greatest = 0;
    for (const std::string& id : subscale.items) {
      const Item* item = definition_.FindItem(id);
      if (item == nullptr || item->options.empty()) return;  // told below
      least += item->MinValue();
      greatest += item->MaxValue();
    }
    if (scale.minimum() != static_cast<double>(least)) {
      at.Add("minimum", absl::StrCat("must be ", least));
    }
    if (scale.maximum() != static_cast<double>(greatest)) {
      at.Add("maximum", absl::StrCat("must be ", greatest));
    }
  }

  // Rules of items first, then of scores: as they are kept.
  void ReadRiskRule(int i, bool items) {
    const pb::RiskRule& in = in_.risk_rules(i);
    FieldViolations at = bad_.At("risk_rules", i);
    const bool of_item = in.looks_at_case() != pb::RiskRule::kScale;
    if (of_item != items) return;
    if (in.looks_at_case() == pb::RiskRule::LOOKS_AT_NOT_SET) {
      at.Add("item", "is required: an item, or a scale");
      return;
    }
    bool taken = false;
    for (const std::string& id : held_.risk_rules) taken |= id == in.id();
    if (in.id().empty() || taken) at.Add("id", "is required, each once");
    held_.risk_rules.push_back(in.id());
    if (absl::StripAsciiWhitespace(in.display_name()).empty()) {
      at.Add("display_name", "is required");
    }
    const int points = Whole(in.at_points(), "at_points", at);
    Basis basis = ReadSource(in.source(), "source", at);
    if (of_item) {
      if (definition_.direction == Direction::kHigherIsBetter) {
        at.Add("item",
               "must be a scale: on a scale of which more is better, items are not looked at");
      }
      risk_item_fields_.push_back(absl::StrCat("risk_rules[", i, "]"));
      definition_.risk_items.push_back({in.item(), points, in.id(), std::move(basis)});
      return;
    }
    if (in.scale() != kTotal) at.Add("scale", "must be \"total\": subscales are not looked at");
    risk_total_fields_.push_back(absl::StrCat("risk_rules[", i, "]"));
    definition_.risk_totals.push_back({in.id(),
                                       definition_.direction == Direction::kHigherIsBetter
                                           ? Comparison::kAtMost
                                           : Comparison::kAtLeast,
                                       points, in.id(), std::move(basis)});
  }

  // What the definition itself says of what was read, under the contract's names.
  void Validate() {
    const absl::Status status = ValidateInstrument(definition_);
    for (const FieldViolation& violation : FieldViolationsOf(status)) {
      const std::string name = ContractName(violation.field);
      if (!name.empty()) bad_.Add(name, violation.description);
    }
  }

  // The contract's name of a definition's field. Empty for what was told already: the id by whoever
  // was given it, and that numbers without a citation have none.
  std::string ContractName(const std::string& field) const {
    static const auto* const kFields = new std::map<std::string, std::string>{
        {"id", ""},
        {"name", "display_name"},
        {"measures", "construct"},
        {"licence", "licence.title"},
        {"attribution", "licence.attribution"},
        {"note", "notes"},
        {"instructions", "stem"},
        {"direction", "scales[0].direction"},
        {"multiplier", "scales[0].multiplier"},
        {"range.min", "scales[0].minimum"},
        {"range.max", "scales[0].maximum"},
        {"missing.max_missing", "scales[0].missing_items.max_missing"},
        {"bands", "scales[0].bands"},
        {"cut_offs", "scales[0].cut_offs"},
        {"reliable_change", "scales[0].reliable_changes"},
    };
    // The last part, by all of them without their indices.
    static const auto* const kLast = new std::map<std::string, std::string>{
        {"bands.bands.high", "highest"},
        {"bands.bands.label", "display_name"},
        {"bands.bands.low", "lowest"},
        {"citations.text", ""},
        {"codes.code", ""},
        {"cut_offs.comparison", "inclusive"},
        {"cut_offs.value", "points"},
        {"items.loinc", "loinc_code"},
        {"items.options.loinc", "loinc_code"},
        {"items.options.text", "label"},
        {"items.reverse", "reverse_scored"},
        {"reliable_change.value", "points"},
        {"risk_items.about", "id"},
        {"risk_items.at_least", "at_points"},
        {"risk_totals.about", "id"},
        {"risk_totals.value", "at_points"},
        {"skips.if_item", "item"},
        {"skips.if_value", "option"},
        {"skips.then_item", ""},
        {"skips.then_value", "implied_option"},
        {"subscales.label", "display_name"},
        {"subscales.max_missing", "missing_items.max_missing"},
    };
    if (const auto found = kFields->find(field); found != kFields->end()) return found->second;
    if (field == "citations" && in_.citations().empty()) return "";
    if (field == "items" && !in_.items().empty()) return "scales[0].items";  // none of them counts
    std::vector<std::string> parts = absl::StrSplit(field, '.');
    std::vector<std::string> plain;
    for (const std::string& part : parts) plain.push_back(part.substr(0, part.find('[')));
    if (plain.back() == "sources") return "";
    if (const auto found = kLast->find(absl::StrJoin(plain, ".")); found != kLast->end()) {
      parts.back() = found->second;
    }
    parts.front() = ListName(parts.front());
    if (parts.back().empty()) parts.pop_back();
    return absl::StrJoin(parts, ".");
  }

  // "codes[1]", an element of one of the definition's lists: the field that it was read from.
  std::string ListName(const std::string& element) const {
    const size_t open = element.find('[');
    size_t index = 0;
    if (open == std::string::npos ||
        !absl::SimpleAtoi(element.substr(open + 1, element.size() - open - 2), &index)) {
      return element;
    }
    const std::string list = element.substr(0, open);
    if (list == "subscales") return absl::StrCat("scales[", index + 1, "]");
    if (list == "bands") return "scales[0]";
    if (list == "reliable_change") return absl::StrCat("scales[0].reliable_changes[", index, "]");
    const std::map<std::string, const std::vector<std::string>*> read_from = {
        {"citations", &citation_fields_},     {"codes", &code_fields_},
        {"cut_offs", &cut_off_fields_},       {"risk_items", &risk_item_fields_},
        {"risk_totals", &risk_total_fields_}, {"skips", &skip_fields_},
    };
    const auto found = read_from.find(list);
    return found == read_from.end() ? element : found->second->at(index);
  }

  const pb::Instrument& in_;
  HeldInstrument& held_;
  Instrument& definition_;
  FieldViolations& bad_;
  // The contract's fields that the definition's lists were read from.
  std::vector<std::string> citation_fields_;
  std::vector<std::string> code_fields_;
  std::vector<std::string> cut_off_fields_;
  std::vector<std::string> skip_fields_;
  std::vector<std::string> risk_item_fields_;
  std::vector<std::string> risk_total_fields_;
};

}  // namespace

void WriteInstrument(const HeldInstrument& instrument, pb::Instrument* out) {
  out->Clear();
  if (instrument.stated.empty() || !out->ParseFromString(instrument.stated)) {
    WriteDefinition(instrument, out);
  }
  out->set_name(InstrumentName(instrument.clinic_id, instrument.definition.id));
  out->set_version(instrument.definition.version);
  out->set_origin(static_cast<pb::InstrumentOrigin>(instrument.origin));
  out->set_state(instrument.retired ? pb::INSTRUMENT_STATE_RETIRED : pb::INSTRUMENT_STATE_ACTIVE);
  out->set_current(instrument.current);
  out->set_caller(instrument.caller);
  if (instrument.retired) {
    rpc::WriteTime(instrument.retire_time, out->mutable_retire_time());
    out->set_retire_reason(instrument.retire_reason);
  }
  rpc::WriteStamp(instrument.stamp, out);
}

HeldInstrument ReadInstrument(const pb::Instrument& in, absl::string_view instrument_id,
                              FieldViolations& bad) {
  HeldInstrument held;
  held.definition.id = std::string(instrument_id);
  DefinitionReader(in, held, bad).Run();
  held.definition.version = in.version();  // 0: to be given
  pb::Instrument stated = in;
  stated.clear_name();
  stated.clear_version();
  for (const char* field : {"origin", "state", "current", "etag", "revision", "create_time",
                            "update_time", "caller", "retire_time", "retire_reason"}) {
    const auto* descriptor = pb::Instrument::descriptor()->FindFieldByName(field);
    stated.GetReflection()->ClearField(&stated, descriptor);
  }
  held.stated = stated.SerializeAsString();
  return held;
}

}  // namespace ipt::outcomes
