#include "formulation/protocol_folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "formulation/storage/protocol_json.h"

namespace ipt::formulation {
namespace {

namespace fs = std::filesystem;

// The shipped data have some 40 files of at most 20 KB.
constexpr size_t kMostFiles = 500;
constexpr uintmax_t kMostBytes = 1 << 20;

absl::Status Refused(const std::string& path, absl::string_view why) {
  return absl::InvalidArgumentError(absl::StrCat("--protocol_dir: ", path, ": ", why));
}

absl::StatusOr<std::string> ReadText(const fs::path& path) {
  std::error_code error;
  const uintmax_t size = fs::file_size(path, error);
  if (error) return Refused(path.string(), error.message());
  if (size > kMostBytes) return Refused(path.string(), "is larger than 1 MiB");
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file.good()) return Refused(path.string(), "cannot be read");
  return std::move(text).str();
}

}  // namespace

absl::StatusOr<ProtocolCatalog> ReadProtocolFolder(const std::string& folder) {
  std::vector<fs::path> paths;
  std::error_code error;
  // A mounted ConfigMap has links into folders whose names begin with dots, which are no data.
  for (fs::recursive_directory_iterator
           entry(folder, fs::directory_options::follow_directory_symlink, error),
       end;
       !error && entry != end; entry.increment(error)) {
    if (entry->path().filename().string().starts_with(".")) {
      entry.disable_recursion_pending();
      continue;
    }
    if (entry->path().extension() == ".json") paths.push_back(entry->path());
    if (paths.size() > kMostFiles) return Refused(folder, "has more than 500 files");
  }
  if (error) return Refused(folder, error.message());
  if (paths.empty()) return Refused(folder, "has no .json files; copy the shipped ones into it");
  std::sort(paths.begin(), paths.end());

  std::vector<std::string> names;
  std::vector<std::string> texts;
  for (const fs::path& path : paths) {
    auto text = ReadText(path);
    if (!text.ok()) return text.status();
    names.push_back(path.lexically_relative(folder).generic_string());
    texts.push_back(*std::move(text));
  }
  std::vector<EmbeddedFile> files;
  for (size_t i = 0; i < names.size(); ++i) files.push_back({names[i], texts[i]});
  auto catalog = ReadProtocolCatalog(files);
  if (!catalog.ok()) return Refused(folder, catalog.status().message());
  return catalog;
}

}  // namespace ipt::formulation
