#include "iptctl/command_table.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "iptctl/contract.h"
#include "iptctl/flag_binding.h"
#include "iptctl/help.h"
#include "iptctl/settings.h"

namespace ipt::ctl {
namespace {

using ::testing::HasSubstr;

// Every method that the protos on disk declare, by full name.
std::set<std::string> MethodsOnDisk() {
  std::set<std::string> methods;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(IPT_PROTO_DIR "/ipt")) {
    if (entry.path().extension() != ".proto") continue;
    std::ifstream file(entry.path());
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    std::smatch package;
    if (!std::regex_search(text, package, std::regex("\npackage ([a-z0-9.]+);"))) continue;
    static const std::regex line("\n(service|  rpc) (\\w+)");
    std::string service;
    for (std::sregex_iterator it(text.begin(), text.end(), line), end; it != end; ++it) {
      if ((*it)[1] == "service") {
        service = (*it)[2];
      } else {
        methods.insert(absl::StrCat(package[1].str(), ".", service, ".", (*it)[2].str()));
      }
    }
  }
  return methods;
}

TEST(CommandTableTest, HasACommandForEveryMethodOfTheContract) {
  const std::set<std::string> on_disk = MethodsOnDisk();
  ASSERT_GT(on_disk.size(), 40u);
  std::set<std::string> embedded, commanded;
  for (const MethodDescriptor* method : ContractMethods()) embedded.insert(method->full_name());
  for (const Command& command : Commands()) {
    if (!command.method.empty()) commanded.insert(command.method);
  }
  EXPECT_EQ(embedded, on_disk);
  // A conversation is a gateway's, not a command line's; but bringing in a file.
  std::set<std::string> commandable;
  for (const MethodDescriptor* method : ContractMethods()) {
    if (!method->client_streaming() || method->name() == "ImportMeasurements") {
      commandable.insert(method->full_name());
    }
  }
  EXPECT_EQ(commanded, commandable);
}

TEST(CommandTableTest, ExplainsEveryCommandAndShowsAnExample) {
  for (const Command& command : Commands()) {
    const std::string words = absl::StrCat(command.noun, " ", command.verb);
    EXPECT_FALSE(SummaryOf(command).empty()) << words;
    EXPECT_TRUE(absl::StartsWith(command.example, words)) << command.example;
    EXPECT_THAT(CommandHelp(command), HasSubstr("iptctl " + command.example));
    EXPECT_THAT(NounHelp(command.noun), HasSubstr(words));
    EXPECT_THAT(GeneralHelp(), HasSubstr(words));
    EXPECT_THAT(AllHelp(), HasSubstr(command.example));
  }
}

TEST(CommandTableTest, PointsOnlyAtFieldsThatExist) {
  for (const Command& command : Commands()) {
    if (command.method.empty()) continue;
    for (const Positional& arg : command.args) {
      const Descriptor* type = FindMethod(command.method)->input_type();
      for (const std::string& field : {arg.field, arg.id_field}) {
        if (field.empty()) continue;
        const Descriptor* at = type;
        size_t begin = 0;
        for (size_t dot = field.find('.'); dot != std::string::npos; dot = field.find('.', begin)) {
          ASSERT_NE(at->FindFieldByName(field.substr(begin, dot - begin)), nullptr) << field;
          at = at->FindFieldByName(field.substr(begin, dot - begin))->message_type();
          begin = dot + 1;
        }
        EXPECT_NE(at->FindFieldByName(field.substr(begin)), nullptr)
            << command.noun << " " << command.verb << " " << field;
      }
    }
  }
}

// A general flag of the same name would hide the method's.
TEST(CommandTableTest, KeepsMethodFlagsApartFromGeneralOnes) {
  for (const Command& command : Commands()) {
    if (command.method.empty()) continue;
    const RequestFlags flags(*FindMethod(command.method)->input_type());
    for (const Flag& flag : flags.all()) {
      // But --clinic, which says the same as the first word.
      if (flag.path == "clinic" && command.args[0].field == "clinic") continue;
      const GeneralFlag* general = FindGeneralFlag(flag.shortest);
      if (general != nullptr && YieldsToMethods(*general)) continue;
      EXPECT_EQ(general, nullptr) << command.noun << " " << command.verb << " --" << flag.shortest;
      EXPECT_EQ(flags.Find(flag.shortest), &flag);
    }
  }
}

}  // namespace
}  // namespace ipt::ctl
