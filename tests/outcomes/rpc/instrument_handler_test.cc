#include "outcomes/rpc/instrument_handler.h"

#include "gmock/gmock.h"
#include "tests/outcomes/rpc/handler_fixture.h"

namespace ipt::outcomes {
namespace {

using ipt::testing::FailsWith;
using ipt::testing::HasBadFields;
using ipt::testing::StatusIs;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;

class InstrumentHandlerTest : public HandlerTest {
 protected:
  absl::StatusOr<pb::Instrument> GetOf(const std::string& clinic, const std::string& id,
                                       int version = 0) {
    pb::GetInstrumentRequest request;
    request.set_name(absl::StrCat("clinics/", clinic, "/instruments/", id));
    request.set_version(version);
    return instruments_.GetInstrument(ReadCall(clinic), request);
  }
  absl::StatusOr<pb::Instrument> GetOne(const std::string& id, int version = 0) {
    return GetOf("north", id, version);
  }
  absl::StatusOr<pb::Instrument> Register(const std::string& id, const pb::Instrument& instrument,
                                          bool validate_only = false) {
    pb::RegisterInstrumentRequest request;
    request.set_parent("clinics/north");
    request.set_instrument_id(id);
    *request.mutable_instrument() = instrument;
    request.set_validate_only(validate_only);
    return instruments_.RegisterInstrument(WriteCall(request), request);
  }
  // A definition to be registered, as one of the suite's is shown.
  pb::Instrument LikeShipped(const std::string& id) {
    pb::Instrument instrument = GetOne(id).value();
    instrument.clear_name();
    instrument.clear_version();
    return instrument;
  }
  absl::StatusOr<pb::RetireInstrumentResponse> Retire(const std::string& id, int version = 0,
                                                      const std::string& etag = "") {
    pb::RetireInstrumentRequest request;
    request.set_name(absl::StrCat("clinics/north/instruments/", id));
    request.set_version(version);
    request.set_etag(etag);
    request.set_reason("replaced");
    return instruments_.RetireInstrument(WriteCall(request), request);
  }
  std::vector<std::string> ListedInstruments(pb::ListInstrumentsRequest request = {}) {
    request.set_parent("clinics/north");
    std::vector<std::string> listed;
    do {
      const auto page = instruments_.ListInstruments(ReadCall(), request);
      EXPECT_THAT(page, ipt::testing::IsOk());
      if (!page.ok()) break;
      for (const auto& instrument : page->instruments()) {
        listed.push_back(absl::StrCat(instrument.name().substr(instrument.name().rfind('/') + 1),
                                      " ", instrument.version()));
      }
      request.set_page_token(page->next_page_token());
    } while (!request.page_token().empty());
    return listed;
  }
};
IPT_INSTANTIATE_ON_BOTH_ENGINES(InstrumentHandlerTest);

TEST_P(InstrumentHandlerTest, EveryClinicHasTheSuitesOwn) {
  ASSERT_OK_AND_ASSIGN(const pb::Instrument phq, GetOne("phq-9"));
  EXPECT_EQ(phq.origin(), pb::INSTRUMENT_ORIGIN_SUITE);
  EXPECT_EQ(phq.state(), pb::INSTRUMENT_STATE_ACTIVE);
  EXPECT_TRUE(phq.current());
  EXPECT_EQ(phq.construct(), pb::CONSTRUCT_DEPRESSION);
  EXPECT_EQ(phq.lookback_days(), 14);
  ASSERT_EQ(phq.scales_size(), 1);
  const pb::Scale& total = phq.scales(0);
  EXPECT_EQ(total.items_size(), 9);  // not the question of difficulty
  EXPECT_EQ(total.maximum(), 27);
  ASSERT_EQ(total.bands_size(), 5);
  EXPECT_EQ(total.bands(4).lowest(), 20);
  EXPECT_EQ(total.cut_offs(0).kind(), pb::CUT_OFF_KIND_CASENESS);
  EXPECT_EQ(total.cut_offs(0).points(), 10);
  EXPECT_TRUE(total.cut_offs(0).inclusive());
  EXPECT_EQ(total.reliable_changes(0).points(), 6);
  EXPECT_THAT(total.reliable_changes(0).source().citation(), Not(IsEmpty()));
  EXPECT_EQ(total.loinc_code(), "44261-6");
  ASSERT_EQ(phq.risk_rules_size(), 1);
  EXPECT_EQ(phq.risk_rules(0).item(), "q9");
  EXPECT_EQ(phq.risk_rules(0).at_points(), 1);
  EXPECT_OK(GetOf("south", "phq-9"));
  EXPECT_THAT(GetOne("phq-9", 2), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(GetOne("no-such"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(InstrumentHandlerTest, ReversalIsInThePoints) {
  ASSERT_OK_AND_ASSIGN(const pb::Instrument cesd, GetOne("ces-d"));
  const pb::Item& reversed = cesd.items(3);
  EXPECT_TRUE(reversed.reverse_scored());
  for (const pb::ResponseOption& option : reversed.options()) {
    EXPECT_EQ(option.points(), 3 - option.value());
  }
}

TEST_P(InstrumentHandlerTest, ListsByPagesAndConditions) {
  const std::vector<std::string> all = ListedInstruments();
  EXPECT_EQ(all.size(), catalog_.shipped().size());
  pb::ListInstrumentsRequest paged;
  paged.set_page_size(1);
  EXPECT_EQ(ListedInstruments(paged), all);
  pb::ListInstrumentsRequest anxiety;
  anxiety.add_constructs(pb::CONSTRUCT_ANXIETY);
  EXPECT_THAT(ListedInstruments(anxiety), ElementsAre("gad-2 1", "gad-7 1"));
  pb::ListInstrumentsRequest own;
  own.add_origins(pb::INSTRUMENT_ORIGIN_CLINIC);
  EXPECT_THAT(ListedInstruments(own), IsEmpty());
}

TEST_P(InstrumentHandlerTest, WhatIsShownCanBeRegisteredAndIsKeptWordForWord) {
  for (const char* id : {"phq-9", "gad-7", "k10", "ces-d", "wsas"}) {
    pb::Instrument like = LikeShipped(id);
    ASSERT_OK_AND_ASSIGN(const pb::Instrument registered, Register(absl::StrCat("our-", id), like));
    EXPECT_EQ(registered.origin(), pb::INSTRUMENT_ORIGIN_CLINIC);
    EXPECT_EQ(registered.version(), 1);
    EXPECT_EQ(registered.caller(), "tester");
    EXPECT_TRUE(registered.current());
    ASSERT_OK_AND_ASSIGN(const pb::Instrument read, GetOne(absl::StrCat("our-", id)));
    EXPECT_EQ(read.SerializeAsString(), registered.SerializeAsString());
    for (int i = 0; i < like.scales_size(); ++i) {
      EXPECT_EQ(read.scales(i).SerializeAsString(), like.scales(i).SerializeAsString()) << id;
    }
  }
  EXPECT_THAT(GetOf("south", "our-phq-9"), StatusIs(absl::StatusCode::kNotFound));
}

TEST_P(InstrumentHandlerTest, ItsOwnRuleRaisesTheAlert) {
  pb::Instrument mood = LikeShipped("phq-9");
  mood.mutable_risk_rules(0)->set_id("suicidal-thoughts");
  ASSERT_OK(Register("mood", mood));
  auto request = Phq9({0, 0, 0, 0, 0, 0, 0, 0, 1});
  request.mutable_measurement()->set_instrument("clinics/north/instruments/mood");
  ASSERT_OK_AND_ASSIGN(const pb::Measurement recorded, Record(request));
  EXPECT_EQ(recorded.risks(0).rule(), "suicidal-thoughts");
  ASSERT_EQ(Alerts().size(), 1u);
  EXPECT_EQ(Alerts()[0].rule, "suicidal-thoughts");
}

TEST_P(InstrumentHandlerTest, NamesAllThatCannotBeScored) {
  pb::Instrument bad = LikeShipped("phq-9");
  bad.mutable_scales(0)->set_maximum(30);
  bad.mutable_scales(0)->mutable_bands(1)->set_lowest(6);
  bad.mutable_items(0)->mutable_options(2)->set_points(7);
  bad.mutable_risk_rules(0)->set_item("q99");
  bad.mutable_scales(0)->mutable_cut_offs(0)->clear_source();
  EXPECT_THAT(Register("mood", bad),
              HasBadFields("instrument.scales[0].maximum", "instrument.scales[0].bands[1].lowest",
                           "instrument.scales[0].bands[4].highest", "instrument.items[0].options",
                           "instrument.risk_rules[0].item",
                           "instrument.scales[0].cut_offs[0].source.citation"));
  EXPECT_THAT(Register("Mood", LikeShipped("phq-9")), Not(ipt::testing::IsOk()));
  EXPECT_EQ(Count("instruments"), 0);
}

TEST_P(InstrumentHandlerTest, NamesFaultsByTheContractsFields) {
  pb::Instrument bad = LikeShipped("phq-9");
  bad.set_citations(0, "\a");
  bad.set_loinc_code("1-1");
  bad.mutable_items(0)->mutable_options(1)->clear_label();
  bad.mutable_items(0)->mutable_options(2)->set_loinc_code("44249-1");
  bad.mutable_items(1)->set_loinc_code("1-1");
  pb::Scale& total = *bad.mutable_scales(0);
  total.mutable_bands(1)->clear_display_name();
  total.mutable_cut_offs(0)->set_kind(pb::CUT_OFF_KIND_UNSPECIFIED);
  total.mutable_cut_offs(1)->set_points(99);  // not taken for the one before
  total.mutable_reliable_changes(0)->set_points(99);
  total.mutable_reliable_changes(0)->mutable_source()->set_citation("\a");
  total.set_snomed_code("x");
  bad.mutable_risk_rules(0)->set_at_points(9);
  bad.mutable_risk_rules(0)->set_id("Not an id");
  bad.mutable_risk_rules(0)->clear_display_name();
  EXPECT_THAT(
      Register("mood", bad),
      HasBadFields(
          "instrument.citations[0]", "instrument.loinc_code",
          "instrument.items[0].options[1].label", "instrument.items[0].options[2].loinc_code",
          "instrument.items[1].loinc_code", "instrument.scales[0].bands[1].display_name",
          "instrument.scales[0].cut_offs[0].kind", "instrument.scales[0].cut_offs[1].points",
          "instrument.scales[0].reliable_changes[0].points",
          "instrument.scales[0].reliable_changes[0].source.citation",
          "instrument.scales[0].snomed_code", "instrument.risk_rules[0].at_points",
          "instrument.risk_rules[0].id", "instrument.risk_rules[0].display_name"));
  bad = LikeShipped("phq-9");
  bad.clear_citations();
  EXPECT_THAT(Register("mood", bad), HasBadFields("instrument.citations"));
  bad = LikeShipped("phq-9");
  bad.mutable_scales(0)->clear_items();
  EXPECT_THAT(Register("mood", bad), HasBadFields("instrument.scales[0].items"));
  bad = LikeShipped("phq-9");
  bad.mutable_scales(0)->set_without_norms(true);
  EXPECT_THAT(Register("mood", bad),
              HasBadFields("instrument.scales[0].bands", "instrument.scales[0].cut_offs",
                           "instrument.scales[0].reliable_changes"));
}

TEST_P(InstrumentHandlerTest, ARiskRuleIsCalledInWords) {
  pb::Instrument mood = LikeShipped("phq-9");
  mood.mutable_risk_rules(0)->set_display_name("Thoughts of being better off dead");
  ASSERT_OK_AND_ASSIGN(const pb::Instrument registered, Register("mood", mood));
  EXPECT_EQ(registered.risk_rules(0).display_name(), "Thoughts of being better off dead");
  EXPECT_OK(GetOne("mood"));
}

TEST_P(InstrumentHandlerTest, AnEditIsAnotherVersionAndRescoresNothing) {
  pb::Instrument mood = LikeShipped("phq-9");
  ASSERT_OK(Register("mood", mood));
  auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0});
  request.mutable_measurement()->set_instrument("clinics/north/instruments/mood");
  ASSERT_OK_AND_ASSIGN(const pb::Measurement before, Record(request));
  EXPECT_EQ(before.scores(0).band(), "mild");

  mood.set_version(3);
  EXPECT_THAT(Register("mood", mood),
              FailsWith(absl::StatusCode::kFailedPrecondition, "INSTRUMENT_VERSION"));
  mood.set_version(2);
  mood.mutable_scales(0)->mutable_bands(0)->set_highest(8);
  mood.mutable_scales(0)->mutable_bands(1)->set_lowest(9);
  ASSERT_OK(Register("mood", mood));
  EXPECT_EQ(GetOne("mood")->version(), 2);
  EXPECT_TRUE(GetOne("mood")->current());
  EXPECT_FALSE(GetOne("mood", 1)->current());

  // A correction is scored by the version that was answered.
  pb::CorrectMeasurementRequest correction;
  *correction.mutable_measurement() = before;
  correction.mutable_measurement()->mutable_answers()->mutable_answers(0)->set_value(0);
  correction.mutable_update_mask()->add_paths("answers");
  correction.set_reason("misread");
  ASSERT_OK_AND_ASSIGN(const pb::Measurement corrected,
                       measurements_.CorrectMeasurement(WriteCall(correction), correction));
  EXPECT_EQ(corrected.instrument_version(), 1);
  EXPECT_EQ(corrected.scores(0).rounded(), 7);
  EXPECT_EQ(corrected.scores(0).band(), "mild");
  now_ += absl::Hours(24);
  ASSERT_OK_AND_ASSIGN(const pb::Measurement after, Record(request));
  EXPECT_EQ(after.instrument_version(), 2);
  EXPECT_EQ(after.scores(0).band(), "minimal");
}

TEST_P(InstrumentHandlerTest, TheSuitesIdsAreItsOwn) {
  EXPECT_THAT(Register("phq-9", LikeShipped("phq-9")),
              FailsWith(absl::StatusCode::kAlreadyExists, "RESOURCE_EXISTS"));
}

TEST_P(InstrumentHandlerTest, TryingRegistersNothing) {
  ASSERT_OK_AND_ASSIGN(const pb::Instrument tried, Register("mood", LikeShipped("phq-9"), true));
  EXPECT_EQ(tried.etag(), "");
  EXPECT_EQ(Count("instruments"), 0);
  EXPECT_THAT(NewEvents(), IsEmpty());
}

TEST_P(InstrumentHandlerTest, WhatIsRetiredTakesFormsOfBefore) {
  ASSERT_OK_AND_ASSIGN(const auto retired, Retire("phq-9"));
  EXPECT_EQ(retired.instrument().state(), pb::INSTRUMENT_STATE_RETIRED);
  EXPECT_EQ(retired.instrument().retire_reason(), "replaced");
  EXPECT_FALSE(retired.instrument().current());
  EXPECT_THAT(NewEvents(), ElementsAre("INSTRUMENT_CHANGED"));
  EXPECT_EQ(GetOf("south", "phq-9")->state(), pb::INSTRUMENT_STATE_ACTIVE);

  now_ += absl::Hours(1);
  auto request = Phq9({1, 1, 1, 1, 1, 1, 1, 1, 0});
  EXPECT_THAT(Record(request),
              FailsWith(absl::StatusCode::kFailedPrecondition, "INSTRUMENT_RETIRED"));
  SetCompleted(now_ - absl::Hours(2), request);
  EXPECT_OK(Record(request));

  EXPECT_THAT(Retire("phq-9", 0, "\"999\""),
              FailsWith(absl::StatusCode::kAborted, "ETAG_MISMATCH"));
  pb::ReinstateInstrumentRequest back;
  back.set_name("clinics/north/instruments/phq-9");
  ASSERT_OK_AND_ASSIGN(const pb::Instrument again,
                       instruments_.ReinstateInstrument(WriteCall(back), back));
  EXPECT_EQ(again.state(), pb::INSTRUMENT_STATE_ACTIVE);
  EXPECT_TRUE(again.current());
  EXPECT_FALSE(again.has_retire_time());
  EXPECT_OK(Record(Phq9({2, 1, 1, 1, 1, 1, 1, 1, 0})));
}

TEST_P(InstrumentHandlerTest, RetiringTheNewestMakesTheOneBeforeCurrent) {
  ASSERT_OK(Register("mood", LikeShipped("phq-9")));
  ASSERT_OK(Register("mood", LikeShipped("phq-9")));
  ASSERT_OK(Retire("mood", 2));
  EXPECT_EQ(GetOne("mood")->version(), 1);
  ASSERT_OK(Retire("mood"));
  EXPECT_EQ(GetOne("mood")->version(), 2);
  EXPECT_THAT(ListedInstruments(), Contains("mood 2"));
  pb::ListInstrumentsRequest all;
  all.set_all_versions(true);
  all.add_origins(pb::INSTRUMENT_ORIGIN_CLINIC);
  EXPECT_THAT(ListedInstruments(all), ElementsAre("mood 1", "mood 2"));
}

}  // namespace
}  // namespace ipt::outcomes
