#include "platform/json/strict_json.h"

#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/support/status_matchers.h"

namespace ipt {
namespace {

using ::ipt::testing::IsOk;
using ::ipt::testing::StatusIs;

enum class Colour { kRed = 1, kBlue };

struct Leg {
  std::string shoe;
  int length = 0;
};

struct Animal {
  std::string name;
  bool tame = false;
  double weight = 0;
  Colour colour = Colour::kRed;
  std::optional<int> age;
  std::vector<Leg> legs;
};

struct AnimalFormat {
  using Context = int;  // how many legs were read
  template <typename V>
  static void Visit(V& v, Animal& animal) {
    v.Key("name", animal.name);
    v.Key("tame", animal.tame);
    v.Key("weight", animal.weight);
    v.Key("colour", animal.colour);
    v.Key("age", animal.age);
    v.Maybe("legs", animal.legs);
  }
  template <typename V>
  static void Visit(V& v, Leg& leg) {
    ++v.context();
    if (const OrderedJson* bare = v.Find("bare"); bare != nullptr) {
      if (!leg.shoe.empty() || *bare != true) v.bad().Add("bare", "must be true");
      leg.shoe = "none";
    } else {
      v.Key("shoe", leg.shoe);
    }
    v.Key("length", leg.length);
  }
  static absl::Span<const JsonName<Colour>> NamesOf(Colour) {
    static constexpr JsonName<Colour> kColours[] = {{Colour::kRed, "red"}, {Colour::kBlue, "blue"}};
    return kColours;
  }
};

struct Outcome {
  Animal animal;
  int legs = 0;
  absl::Status status;
};

Outcome Read(absl::string_view text) {
  Outcome outcome;
  OrderedJson json;
  outcome.status = ParseStrictly("cow.json", text, json);
  if (!outcome.status.ok()) return outcome;
  FieldViolations bad;
  JsonReader<AnimalFormat>::ReadValue(json, outcome.animal, outcome.legs, bad.In(""));
  outcome.status = InFile("cow.json", bad);
  return outcome;
}

std::string ErrorOf(absl::string_view text) {
  const absl::Status status = Read(text).status;
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
  return std::string(status.message());
}

TEST(StrictJsonTest, ReadsEveryKindOfValue) {
  const Outcome cow = Read(
      R"({"name": "Berta", "tame": true, "weight": 600, "colour": "blue", "age": 7,
          "legs": [{"shoe": "left", "length": 90}, {"bare": true, "length": -1}]})");
  ASSERT_THAT(cow.status, IsOk());
  EXPECT_EQ(cow.animal.name, "Berta");
  EXPECT_TRUE(cow.animal.tame);
  EXPECT_EQ(cow.animal.weight, 600);
  EXPECT_EQ(cow.animal.colour, Colour::kBlue);
  EXPECT_EQ(cow.animal.age, 7);
  ASSERT_EQ(cow.animal.legs.size(), 2u);
  EXPECT_EQ(cow.animal.legs[0].shoe, "left");
  EXPECT_EQ(cow.animal.legs[1].shoe, "none");
  EXPECT_EQ(cow.animal.legs[1].length, -1);
  EXPECT_EQ(cow.legs, 2);
}

TEST(StrictJsonTest, NullIsUnsetAndAKeyThatMayBeLeftOutMay) {
  const Outcome cow =
      Read(R"({"name": "", "tame": false, "weight": 0.5, "colour": "red", "age": null})");
  ASSERT_THAT(cow.status, IsOk());
  EXPECT_EQ(cow.animal.age, std::nullopt);
  EXPECT_TRUE(cow.animal.legs.empty());
}

TEST(StrictJsonTest, AllErrorsComeAtOnceWithFileAndKey) {
  EXPECT_EQ(ErrorOf(R"({"tame": 1, "weight": "much", "colour": "green", "age": 2.5,
                        "legs": [{"shoe": 3, "length": 4294967297, "toes": 2}], "horns": 2})"),
            "cow.json: name: is missing\n"
            "cow.json: tame: must be true or false\n"
            "cow.json: weight: must be a number\n"
            "cow.json: colour: must be one of red, blue\n"
            "cow.json: age: must be a whole number\n"
            "cow.json: legs[0].shoe: must be a string\n"
            "cow.json: legs[0].length: must be a whole number\n"
            "cow.json: legs[0].toes: is no key of the format\n"
            "cow.json: horns: is no key of the format");
  EXPECT_EQ(ErrorOf("[]"), "cow.json: the whole: must be an object");
  EXPECT_THAT(Read(R"({"name": "", "tame": false, "weight": 1, "colour": "red", "age": 1,
                       "legs": {}})")
                  .status.message(),
              "cow.json: legs: must be an array");
}

TEST(StrictJsonTest, AKeyThatIsThereTwiceIsRefusedInItsOwnObjectOnly) {
  EXPECT_EQ(ErrorOf(R"({"legs": [{"shoe": "a", "shoe": "b"}]})"), "cow.json: shoe: is there twice");
  OrderedJson json;
  EXPECT_THAT(ParseStrictly("a", R"([{"b": 1}, {"b": {"b": 2}}])", json), IsOk());
}

TEST(StrictJsonTest, BrokenJsonIsNamedWithItsLine) {
  EXPECT_EQ(ErrorOf("{\n  \"name\": oops\n}"), "cow.json: line 2: is no valid JSON");
  EXPECT_EQ(ErrorOf(""), "cow.json: line 1: is no valid JSON");
}

}  // namespace
}  // namespace ipt
