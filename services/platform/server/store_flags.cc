#include "platform/server/store_flags.h"

#include <string>
#include <utility>

#include "absl/flags/flag.h"
#include "absl/strings/str_cat.h"
#include "platform/errors/status_macros.h"
#include "platform/storage/database.h"

ABSL_FLAG(std::string, database, "",
          "The store: sqlite:///var/lib/ipt/x.db, or postgresql://user@host/db (several hosts "
          "allowed), without a password.");
ABSL_FLAG(std::string, database_file, "", "File whose one line is the value of --database.");
ABSL_FLAG(std::string, database_password_file, "",
          "File whose one line is PostgreSQL's password; read again at every connection.");

namespace ipt::server {
namespace {

absl::Status Wrong(absl::string_view setting, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat("--", setting, ": ", what));
}

absl::StatusOr<std::string> ReadSetting(absl::string_view setting, const std::string& path) {
  absl::StatusOr<std::string> line = ReadSecretLine(path);
  return line.ok() ? std::move(line) : Wrong(setting, line.status().message());
}

}  // namespace

absl::StatusOr<StoreLocation> ReadStoreFlags() {
  StoreLocation store;
  store.url = absl::GetFlag(FLAGS_database);
  store.password_file = absl::GetFlag(FLAGS_database_password_file);
  const std::string url_file = absl::GetFlag(FLAGS_database_file);
  if (store.url.empty() == url_file.empty()) {
    return absl::InvalidArgumentError("give one of --database and --database_file");
  }
  const bool shown = url_file.empty();
  const char* const setting = shown ? "database" : "database_file";
  if (!shown) {
    IPT_ASSIGN_OR_RETURN(store.url, ReadSetting(setting, url_file));
  }
  const absl::StatusOr<storage::StoreUrl> url = storage::ParseStoreUrl(store.url);
  if (!url.ok()) return Wrong(setting, url.status().message());
  if (shown && url->holds_password) {
    return Wrong(setting,
                 "a password does not belong here, where lists of processes and dumps of the "
                 "environment show it: take it out of the URL and give it by "
                 "--database_password_file, or the whole URL by --database_file");
  }
  if (store.password_file.empty()) return store;
  if (url->dialect != storage::Dialect::kPostgres) {
    return Wrong("database_password_file", "is for postgresql:// only");
  }
  if (url->holds_password) {
    return Wrong("database_password_file", "the URL in --database_file holds a password already");
  }
  IPT_RETURN_IF_ERROR(ReadSetting("database_password_file", store.password_file).status());
  return store;
}

}  // namespace ipt::server
