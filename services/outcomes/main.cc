// ipt-outcomes: the outcomes service by itself, on SQLite or PostgreSQL.
#include <memory>
#include <utility>

#include "outcomes/module.h"
#include "course_copies/scheduling_flags.h"
#include "platform/errors/status_macros.h"
#include "platform/server/service_main.h"

int main(int argc, char** argv) {
  return ipt::server::ServiceMain(
      {.name = "outcomes",
       .components = ipt::outcomes::Components(),
       .open = [](const ipt::server::Platform& platform, const ipt::server::StoreLocation& store)
           -> absl::StatusOr<std::unique_ptr<ipt::server::Module>> {
         IPT_ASSIGN_OR_RETURN(auto scheduling, ipt::courses::ReadSchedulingFlags());
         return ipt::outcomes::OpenModule(
             platform, {.store = {.location = store}, .scheduling = std::move(scheduling)});
       }},
      argc, argv);
}
