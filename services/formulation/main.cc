// ipt-formulation: the formulation service by itself, on SQLite or PostgreSQL.
#include <memory>
#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "course_copies/scheduling_flags.h"
#include "formulation/module.h"
#include "formulation/outcomes_flags.h"
#include "platform/errors/status_macros.h"
#include "platform/server/service_main.h"

ABSL_FLAG(std::string, protocol_dir, "",
          "Folder with the protocol's data, in the place of those that the binary has. Read once, "
          "when it starts; it does not start with data in error.");

int main(int argc, char** argv) {
  return ipt::server::ServiceMain(
      {.name = "formulation",
       .components = ipt::formulation::Components(),
       .open = [](const ipt::server::Platform& platform, const ipt::server::StoreLocation& store)
           -> absl::StatusOr<std::unique_ptr<ipt::server::Module>> {
         IPT_ASSIGN_OR_RETURN(auto scheduling, ipt::courses::ReadSchedulingFlags());
         IPT_ASSIGN_OR_RETURN(auto outcomes, ipt::formulation::ReadOutcomesFlags());
         const bool ask_outcomes = outcomes.has_value();
         return ipt::formulation::OpenModule(platform,
                                             {.store = {.location = store},
                                              .protocol_dir = absl::GetFlag(FLAGS_protocol_dir),
                                              .scheduling = std::move(scheduling),
                                              .ask_outcomes = ask_outcomes,
                                              .outcomes = std::move(outcomes)});
       }},
      argc, argv);
}
