// ipt-scheduling: the scheduling service by itself, on SQLite or PostgreSQL.
#include "platform/server/service_main.h"
#include "scheduling/module.h"

int main(int argc, char** argv) {
  return ipt::server::ServiceMain(
      {.name = "scheduling",
       .components = ipt::scheduling::Components(),
       .open =
           [](const ipt::server::Platform& platform, const ipt::server::StoreLocation& store) {
             return ipt::scheduling::OpenModule(platform, {.store = {.location = store}});
           }},
      argc, argv);
}
