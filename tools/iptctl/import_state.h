// Which import of a file broke off, and how far it had come: kept beside the file, as FILE.import,
// until all of it is done. A line: the import's id, rows that were dealt with, what they said.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "iptctl/row_file.h"
#include "platform/ids/ids.h"

namespace ipt::ctl {

class ImportState {
 public:
  explicit ImportState(const std::string& file) : path_(file + ".import") {}

  // The id to open an import by: `named` where it is not empty, what is kept where `resume`, else a
  // new one, which is kept where `keep`. INVALID_ARGUMENT where that cannot be.
  absl::StatusOr<std::string> Find(const std::string& named, bool resume, bool keep, IdSource& ids);

  // How far it had come when it broke off, where that is known.
  const FileMark& mark() const { return mark_; }

  // It came so far. Where it cannot be written, what was known before stays.
  void Keep(const FileMark& mark) const;
  // All is done. The state of another import stays.
  void Done() const;

  const std::string& path() const { return path_; }

 private:
  struct Kept {
    std::string id;  // empty: there is none
    FileMark mark;
  };
  Kept Load() const;

  const std::string path_;
  std::string id_;
  bool kept_ = false;  // what is beside the file is of this import
  FileMark mark_;
};

}  // namespace ipt::ctl
