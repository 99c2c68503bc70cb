// What ipt-load prints: a table for people or one JSON object for programs.
#pragma once

#include <string>

#include "ipt-load/alert_way.h"
#include "ipt-load/closed_loop.h"
#include "ipt-load/deliver.h"
#include "ipt-load/fight.h"
#include "ipt-load/same_request.h"
#include "ipt-load/verify.h"
#include "ipt-load/watch_health.h"

namespace ipt::load {

std::string Table(const LoadResult& result);
std::string Table(const AlertWayResult& result);
std::string Table(const DeliverResult& result);
std::string Table(const FightResult& result);
std::string Table(const SameRequestResult& result);
std::string Table(const Verdict& verdict);
std::string Table(const HealthHistory& history);

std::string Json(const LoadResult& result);
std::string Json(const AlertWayResult& result);
std::string Json(const DeliverResult& result);
std::string Json(const FightResult& result);
std::string Json(const SameRequestResult& result);
std::string Json(const Verdict& verdict);
std::string Json(const HealthHistory& history);

}  // namespace ipt::load
