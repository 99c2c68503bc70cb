#include "iptctl/resource_names.h"

#include <cstddef>
#include <iterator>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

namespace ipt::ctl {
namespace {

std::vector<absl::string_view> Segments(absl::string_view name) {
  return absl::StrSplit(name, '/');
}

}  // namespace

std::string ExpandName(absl::string_view text, absl::string_view pattern, bool wildcard,
                       absl::string_view clinic) {
  if (text.empty() || pattern.empty()) return std::string(text);
  const std::vector<absl::string_view> wanted = Segments(pattern);
  std::string name(text);
  if (!absl::StartsWith(text, "clinics/")) {
    const bool bare = !absl::StrContains(text, "/");
    if (bare && wanted.size() == 2) {
      name = absl::StrCat("clinics/", text);
    } else if (clinic.empty()) {
      return name;
    } else if (bare && wanted.size() == 4) {
      name = absl::StrCat("clinics/", clinic, "/", wanted[2], "/", text);
    } else if (!bare) {
      name = absl::StrCat("clinics/", clinic, "/", text);
    }
  }
  if (wildcard && Segments(name).size() + 2 == wanted.size()) {
    absl::StrAppend(&name, "/", wanted[wanted.size() - 2], "/-");
  }
  return name;
}

std::pair<std::string, std::string> SplitNewName(absl::string_view text,
                                                 absl::string_view parent_pattern,
                                                 absl::string_view collection,
                                                 absl::string_view clinic) {
  const auto parent_size = static_cast<std::ptrdiff_t>(Segments(parent_pattern).size());
  const std::string child_pattern = absl::StrCat(parent_pattern, "/", collection, "/{id}");
  const auto split = [&](const std::string& name) -> std::pair<std::string, std::string> {
    const std::vector<absl::string_view> parts = Segments(name);
    if (std::ssize(parts) != parent_size + 2 || parts[parent_size] != collection) return {name, ""};
    return {absl::StrJoin(parts.begin(), parts.begin() + parent_size, "/"),
            std::string(parts.back())};
  };
  // A bare word is the new id where the parent is the default clinic, else the parent itself.
  if (!clinic.empty() && parent_size == 2 && !absl::StrContains(text, "/")) {
    return split(ExpandName(text, child_pattern, false, clinic));
  }
  if (!absl::StrContains(text, "/")) return {ExpandName(text, parent_pattern, false, clinic), ""};
  return split(ExpandName(text, child_pattern, false, clinic));
}

std::string CollectionOf(absl::string_view stem) {
  std::string out;
  for (size_t i = 0; i < stem.size(); ++i) {
    if (stem[i] == '_' && i + 1 < stem.size()) {
      out += static_cast<char>(stem[++i] - 'a' + 'A');
    } else {
      out += stem[i];
    }
  }
  return absl::EndsWith(out, "Off") || absl::EndsWith(out, "s") ? out : out + "s";
}

}  // namespace ipt::ctl
