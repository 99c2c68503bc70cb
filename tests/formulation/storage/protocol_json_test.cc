#include "formulation/storage/protocol_json.h"

#include <algorithm>
#include <map>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt::formulation {
namespace {

using ::ipt::testing::IsOk;
using ::ipt::testing::StatusIs;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// The shipped files, to be edited as a clinic would.
class Folder {
 public:
  Folder() {
    for (const EmbeddedFile& file : ProtocolFiles()) {
      files_[std::string(file.name)] = std::string(file.text);
    }
  }

  std::string& operator[](const std::string& name) { return files_[name]; }
  void Remove(const std::string& name) { EXPECT_EQ(files_.erase(name), 1u) << name; }
  void RemoveAll(absl::string_view folder) {
    std::erase_if(files_, [&](const auto& file) {
      return absl::string_view(file.first).substr(0, folder.size()) == folder;
    });
  }
  // Replaces one piece of a file, which must be there once.
  void Replace(const std::string& name, absl::string_view piece, absl::string_view other) {
    std::string& text = files_.at(name);
    const std::string changed = absl::StrReplaceAll(text, {{piece, other}});
    EXPECT_EQ(changed.size() + piece.size(), text.size() + other.size()) << piece;
    text = changed;
  }

  absl::StatusOr<ProtocolCatalog> Read() const {
    std::vector<EmbeddedFile> files;
    for (const auto& [name, text] : files_) files.push_back({name, text});
    std::reverse(files.begin(), files.end());
    return ReadProtocolCatalog(files);
  }
  std::string Error() const {
    const auto read = Read();
    EXPECT_THAT(read, StatusIs(absl::StatusCode::kInvalidArgument));
    return std::string(read.status().message());
  }

 private:
  std::map<std::string, std::string> files_;
};

std::string ErrorAfter(const std::string& file, absl::string_view piece, absl::string_view other) {
  Folder folder;
  folder.Replace(file, piece, other);
  return folder.Error();
}

TEST(ProtocolJsonTest, TheShippedFilesAreSound) {
  const auto shipped = ShippedProtocolCatalog();
  ASSERT_THAT(shipped, IsOk()) << shipped.status();
  EXPECT_EQ(shipped->language, "en");
  EXPECT_GE(shipped->version, 1);
  EXPECT_EQ(ProtocolFiles().size(), 4u + 5 + 3 + 12);
}

TEST(ProtocolJsonTest, FilesMayComeInAnyOrder) {
  EXPECT_EQ(Folder().Read().value(), ShippedProtocolCatalog().value());
}

TEST(ProtocolJsonTest, AnAreaOfLastResortComesAfterTheOthers) {
  const ProtocolCatalog catalog = ShippedProtocolCatalog().value();
  std::vector<std::string> codes;
  for (const Area& area : catalog.areas) codes.push_back(area.code);
  EXPECT_THAT(codes, ElementsAre("GRIEF", "GRIEF_FOR_THE_HEALTHY_SELF", "ROLE_DISPUTE",
                                 "ROLE_TRANSITION", "INTERPERSONAL_DEFICITS"));
}

TEST(ProtocolJsonTest, AFolderTakesThePlaceOfTheShippedFiles) {
  Folder folder;
  folder.Replace("protocol.json", "\"version\": 1", "\"version\": 2");
  folder.Replace("areas/grief.json", "\"name\": \"Grief\"", "\"name\": \"Mourning\"");
  folder["traditions/ours.json"] =
      R"({"code": "OURS", "name": "Ours", "description": "As we do it.", "evidence": "clinic",
          "sources": ["wmk-2018"], "areas": {"name": [{"area": "GRIEF", "name": "Bereavement",
          "evidence": "clinic", "sources": ["wmk-2018"], "note": "We say so."}]}})";
  const auto catalog = folder.Read();
  ASSERT_THAT(catalog, IsOk()) << catalog.status();
  EXPECT_EQ(catalog->version, 2);
  EXPECT_EQ(catalog->FindArea("GRIEF")->name, "Mourning");
  const Tradition& ours = *catalog->FindTradition("OURS");
  EXPECT_EQ(ours.changes.areas.named,
            (std::vector<AreaNaming>{
                {"GRIEF", "Bereavement", "", {Evidence::kClinic, {"wmk-2018"}, "We say so."}}}));
}

TEST(ProtocolJsonTest, AnUnknownKeyIsNamedWithItsFileAndPlace) {
  EXPECT_EQ(ErrorAfter("protocol.json", "\"version\"", "\"edition\": 1, \"version\""),
            "protocol.json: edition: is no key of the format");
  EXPECT_EQ(ErrorAfter("areas/grief.json", "\"code\": \"MOURNING_ABNORMAL\"",
                       "\"code\": \"MOURNING_ABNORMAL\", \"colour\": \"black\""),
            "areas/grief.json: criteria[2].colour: is no key of the format");
  EXPECT_EQ(ErrorAfter("traditions/ipt-uk.json", "\"areas\": {", "\"areas\": {\"drop\": [],"),
            "traditions/ipt-uk.json: areas.drop: is no key of the format");
}

TEST(ProtocolJsonTest, AMissingKeyIsNamed) {
  EXPECT_EQ(
      ErrorAfter("protocol.json", "\"language\": \"en\"", "\"version \": 1"),
      "protocol.json: language: is missing\nprotocol.json: version : is no key of the format");
  EXPECT_EQ(ErrorAfter("areas/role-dispute.json", "\"person\": \"other_party\",", ""),
            "areas/role-dispute.json: person: is missing");
  EXPECT_EQ(ErrorAfter("variants/ipt-uk-16.json", "\"ending\": 4,", ""),
            "variants/ipt-uk-16.json: split.ending: is missing");
}

TEST(ProtocolJsonTest, AKeyThatIsThereTwiceIsRefused) {
  EXPECT_EQ(ErrorAfter("variants/ipt-uk-16.json", "\"max_focus\": 2",
                       "\"max_focus\": 2, \"max_focus\": 1"),
            "variants/ipt-uk-16.json: max_focus: is there twice");
}

TEST(ProtocolJsonTest, AWrongTypeIsNamed) {
  for (const auto& [file, piece, other, error] :
       std::vector<std::tuple<std::string, std::string, std::string, std::string>>{
           {"protocol.json", "\"version\": 1", "\"version\": \"1\"",
            "version: must be a whole number"},
           {"areas/grief.json", "\"standard\": true", "\"standard\": 1",
            "standard: must be true or false"},
           {"areas/grief.json", "\"person\": \"deceased\"", "\"person\": \"dead\"",
            "person: must be one of nobody, deceased, other_party"},
           {"areas/grief.json", "\"stages\": []", "\"stages\": {}", "stages: must be an array"},
           {"areas/grief.json", "\"name\": \"Grief\"", "\"name\": null", "name: must be a string"},
           {"variants/ipt-b-8.json", "\"evidence\": \"likely\"", "\"evidence\": \"sure\"",
            "split.evidence: must be one of seen, established, likely, clinic"},
           {"tasks.json", "{\"by\": \"halfway\"}", "\"halfway\"",
            "tasks[14].due: must be an object"},
           {"tasks.json", "{\"by\": \"halfway\"}", "{\"by\": \"noon\"}",
            "tasks[14].due.by: must be one of phase_end, session, halfway, sessions_left, "
            "each_session"}}) {
    EXPECT_EQ(ErrorAfter(file, piece, other), absl::StrCat(file, ": ", error));
  }
}

TEST(ProtocolJsonTest, AnUnknownReferenceIsNamed) {
  EXPECT_EQ(ErrorAfter("variants/ipt-uk-16.json", "\"tradition\": \"IPT_UK\"",
                       "\"tradition\": \"IPT_US\""),
            "variants/ipt-uk-16.json: tradition: must be the code of a tradition");
  EXPECT_EQ(ErrorAfter("traditions/ipt-uk.json", "[\"icope\"]", "[\"icope\", \"nobody\"]"),
            "traditions/ipt-uk.json: notes[0].sources[1]: must be the key of a source");
  EXPECT_EQ(
      ErrorAfter("areas/grief.json", "\"techniques\": [\"BEHAVIOUR_CHANGE\", \"DECISION_ANALYSIS\"",
                 "\"techniques\": [\"BEHAVIOUR_CHANGE\", \"DECISION\""),
      "areas/grief.json: strategies[4].techniques[1]: must be the code of a technique");
  EXPECT_EQ(ErrorAfter("techniques.json", "\"variants\": [\"ipsrt\"]", "\"variants\": [\"isprt\"]"),
            "techniques.json: techniques[10].variants[0]: must be the id of a variant");
  EXPECT_EQ(ErrorAfter("variants/ipt-m.json", "\"task\": \"SICK_ROLE\"", "\"task\": \"WELL_ROLE\""),
            "variants/ipt-m.json: tasks.remove[0].task: must be the code of a task");
}

TEST(ProtocolJsonTest, ASourceThatNothingCitesIsNamed) {
  EXPECT_EQ(ErrorAfter("traditions/ipt-uk.json", "[\"icope\"]", "[\"iptuk\"]"),
            "sources.json: sources[2].key: is cited by nothing");
}

TEST(ProtocolJsonTest, ACodeOfAnotherFileIsRefused) {
  EXPECT_EQ(ErrorAfter("areas/role-transition.json", "\"code\": \"LIFE_CHANGE\"",
                       "\"code\": \"DISPUTE_ISSUE\""),
            "areas/role-transition.json: criteria[0].code: must be no code of anything else in the "
            "protocol");
}

TEST(ProtocolJsonTest, AFileHasTheNameOfItsCode) {
  EXPECT_EQ(ErrorAfter("areas/grief.json", "\"code\": \"GRIEF\"", "\"code\": \"ROLE_LOSS\""),
            "areas/grief.json: code: must be the file's name");
  EXPECT_EQ(ErrorAfter("variants/ipt-uk-16.json", "\"id\": \"ipt-uk-16\"", "\"id\": \"ipt-uk\""),
            "variants/ipt-uk-16.json: id: must be the file's name");
}

TEST(ProtocolJsonTest, AFileThatIsMissingOrUnknownIsNamed) {
  Folder folder;
  folder.Remove("tasks.json");
  folder.RemoveAll("traditions/");
  folder["areas/README.md"] = "# Areas";
  folder["notes.json"] = "{}";
  EXPECT_EQ(folder.Error(),
            "areas/README.md: is no file of a protocol\n"
            "notes.json: is no file of a protocol\n"
            "tasks.json: is missing\n"
            "traditions/: must have one file at least");
  EXPECT_EQ(ReadProtocolCatalog({}).status().message(),
            "protocol.json: is missing\n"
            "sources.json: is missing\n"
            "tasks.json: is missing\n"
            "techniques.json: is missing\n"
            "areas/: must have one file at least\n"
            "traditions/: must have one file at least\n"
            "variants/: must have one file at least");
}

TEST(ProtocolJsonTest, AFileThatIsThereTwiceIsNamed) {
  std::vector<EmbeddedFile> files(ProtocolFiles().begin(), ProtocolFiles().end());
  files.push_back(files.front());
  EXPECT_EQ(ReadProtocolCatalog(files).status().message(),
            absl::StrCat(files.front().name, ": is there twice"));
}

TEST(ProtocolJsonTest, AllErrorsOfAllFilesComeAtOnce) {
  Folder folder;
  folder["protocol.json"] = "{\n  \"name\": oops\n}";
  folder.Replace("areas/grief.json", "\"person\": \"deceased\",", "");
  folder.Replace("areas/grief.json", "\"standard\": true", "\"standard\": \"yes\"");
  folder.Replace("variants/ipc-6.json", "\"max_focus\": 2", "\"max_focus\": 2.5");
  EXPECT_EQ(folder.Error(),
            "areas/grief.json: person: is missing\n"
            "areas/grief.json: standard: must be true or false\n"
            "protocol.json: line 2: is no valid JSON\n"
            "variants/ipc-6.json: max_focus: must be a whole number");
}

TEST(ProtocolJsonTest, WhatValidationFindsIsNamedWithItsFile) {
  Folder folder;
  folder.Replace("protocol.json", "\"version\": 1", "\"version\": 0");
  folder.Replace("variants/ipc-6.json", "\"max_focus\": 2", "\"max_focus\": 3");
  folder.Replace("tasks.json", "\"number\": 2, ", "");
  EXPECT_EQ(folder.Error(),
            "protocol.json: version: must be 1 to 1000000\n"
            "tasks.json: tasks[15].due.number: must be 1 to 100\n"
            "variants/ipc-6.json: max_focus: must be 1 or 2");
  // The file of an area that was sorted behind the others is still its own.
  EXPECT_THAT(ErrorAfter("areas/interpersonal-deficits.json",
                         "\"plain_name\": \"Loneliness, or difficulty in getting close to people\"",
                         "\"plain_name\": \"\""),
              HasSubstr("areas/interpersonal-deficits.json: plain_name: must not be empty"));
}

}  // namespace
}  // namespace ipt::formulation
