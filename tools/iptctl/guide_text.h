// A session's guide as text for a terminal: at most 100 columns wide, plain ASCII but for what was
// entered.
//
// A pure function.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "ipt/formulation/v1/session_work.pb.h"
#include "ipt/scheduling/v1/session.pb.h"
#include "iptctl/text.h"

namespace ipt::ctl {

// What was read. Parts that could not be had are empty, and said in `missing`.
struct GuideFacts {
  formulation::v1::SessionGuide guide;
  scheduling::v1::Session session;
  std::map<std::string, std::string> areas;  // what each is called with the patient
  std::vector<std::string> missing;
  std::string when;  // "Mon 2026-12-01 09:00 GMT"
};

std::string GuideText(const GuideFacts& facts, const Paint& paint);

}  // namespace ipt::ctl
