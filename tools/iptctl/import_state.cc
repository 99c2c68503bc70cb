#include "iptctl/import_state.h"

#include <filesystem>
#include <fstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "iptctl/file_output.h"

namespace ipt::ctl {

ImportState::Kept ImportState::Load() const {
  std::ifstream in(path_);
  Kept kept;
  in >> kept.id >> kept.mark.row >> kept.mark.hash;
  return kept;
}

absl::StatusOr<std::string> ImportState::Find(const std::string& named, bool resume, bool keep,
                                              IdSource& ids) {
  Kept before = Load();
  if (resume && before.id.empty() && named.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "--resume: there is no ", path_, " of an import that broke off; --import-id names one"));
  }
  if (resume || !named.empty()) {
    id_ = named.empty() ? before.id : named;
    kept_ = id_ == before.id;
    if (kept_) mark_ = std::move(before.mark);
    return id_;
  }
  id_ = ids.NewUuid();
  if (!keep) return id_;
  if (!before.id.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("an import of this file broke off: go on with it by --resume, or remove ",
                     path_, " to begin another one"));
  }
  if (!WriteWhole(path_, id_ + "\n").ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        "cannot write ", path_, ", which --resume needs; --import-id does without it"));
  }
  kept_ = true;
  return id_;
}

void ImportState::Keep(const FileMark& mark) const {
  if (!kept_ || mark.hash.empty() || mark.row == 0) return;
  WriteWhole(path_, absl::StrCat(id_, " ", mark.row, " ", mark.hash, "\n")).IgnoreError();
}

void ImportState::Done() const {
  if (id_.empty() || Load().id != id_) return;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
}

}  // namespace ipt::ctl
