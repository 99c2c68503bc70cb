// ipt-outcomes: the outcomes service by itself, on SQLite or PostgreSQL.
#include <memory>
#include <utility>

#include "course_copies/scheduling_flags.h"
#include "outcomes/formulation_flags.h"
#include "outcomes/module.h"
#include "platform/errors/status_macros.h"
#include "platform/server/service_main.h"

int main(int argc, char** argv) {
  return ipt::server::ServiceMain(
      {.name = "outcomes",
       .components = ipt::outcomes::Components(),
       .open = [](const ipt::server::Platform& platform, const ipt::server::StoreLocation& store)
           -> absl::StatusOr<std::unique_ptr<ipt::server::Module>> {
         IPT_ASSIGN_OR_RETURN(auto scheduling, ipt::courses::ReadSchedulingFlags());
         IPT_ASSIGN_OR_RETURN(auto formulation, ipt::outcomes::ReadFormulationFlags());
         const bool follow_formulation = formulation.has_value();
         return ipt::outcomes::OpenModule(platform, {.store = {.location = store},
                                                     .scheduling = std::move(scheduling),
                                                     .follow_formulation = follow_formulation,
                                                     .formulation = std::move(formulation)});
       }},
      argc, argv);
}
