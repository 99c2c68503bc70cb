// One JSON object of several answers, for commands that combine several calls.
#pragma once

#include <string>
#include <vector>

#include "google/protobuf/util/json_util.h"
#include "iptctl/contract.h"
#include "nlohmann/json.hpp"

namespace ipt::ctl {

class JsonParts {
 public:
  void Put(const char* name, const Message& message) { json_[name] = Of(message); }

  template <typename List>
  void PutAll(const char* name, const List& messages) {
    nlohmann::ordered_json& list = json_[name] = nlohmann::ordered_json::array();
    for (const auto& message : messages) list.push_back(Of(message));
  }

  // `missing`: what could not be had, in sentences.
  std::string Text(const std::vector<std::string>& missing) {
    if (!missing.empty()) json_["missing"] = missing;
    return json_.dump(2);
  }

 private:
  static nlohmann::ordered_json Of(const Message& message) {
    std::string text;
    google::protobuf::util::MessageToJsonString(message, &text);
    return nlohmann::ordered_json::parse(text);
  }

  nlohmann::ordered_json json_ = nlohmann::ordered_json::object();
};

}  // namespace ipt::ctl
