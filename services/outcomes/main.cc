// ipt-outcomes: the outcomes service by itself, on SQLite or PostgreSQL.
#include "outcomes/module.h"
#include "platform/server/service_main.h"

int main(int argc, char** argv) {
  return ipt::server::ServiceMain(
      {.name = "outcomes",
       .components = ipt::outcomes::Components(),
       .open =
           [](const ipt::server::Platform& platform, const ipt::server::StoreLocation& store) {
             return ipt::outcomes::OpenModule(platform, {.store = {.location = store}});
           }},
      argc, argv);
}
