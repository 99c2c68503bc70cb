#include "iptctl/flag_binding.h"

#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/strip.h"
#include "iptctl/text.h"

namespace ipt::ctl {
namespace {

constexpr char kFieldMask[] = "google.protobuf.FieldMask";

bool IsMask(const FieldDescriptor& field) {
  return field.message_type() != nullptr && field.message_type()->full_name() == kFieldMask;
}

Message& Holder(Message& request, const Flag& flag) {
  Message* holder = &request;
  for (size_t i = 0; i + 1 < flag.field.size(); ++i) {
    holder = holder->GetReflection()->MutableMessage(holder, flag.field[i]);
  }
  return *holder;
}

// Whether the flag's field is set, looked up without setting anything on the way.
bool IsSet(const Message& request, const Flag& flag) {
  const Message* holder = &request;
  for (size_t i = 0; i + 1 < flag.field.size(); ++i) {
    if (!holder->GetReflection()->HasField(*holder, flag.field[i])) return false;
    holder = &holder->GetReflection()->GetMessage(*holder, flag.field[i]);
  }
  const auto* reflection = holder->GetReflection();
  return flag.leaf().is_repeated() ? reflection->FieldSize(*holder, &flag.leaf()) > 0
                                   : reflection->HasField(*holder, &flag.leaf());
}

// Its path below the updated resource, as a mask names it.
std::string MaskPath(const Flag& flag) {
  return absl::StrJoin(
      flag.field.begin() + 1, flag.field.end(), ".",
      [](std::string* out, const FieldDescriptor* field) { absl::StrAppend(out, field->name()); });
}

}  // namespace

RequestFlags::RequestFlags(const Descriptor& request) {
  if (const auto* mask = request.FindFieldByName("update_mask"); mask && IsMask(*mask)) {
    for (int i = 0; i < request.field_count() && !updated_; ++i) {
      if (!IsLeaf(*request.field(i))) updated_ = request.field(i);
    }
  }
  std::vector<const FieldDescriptor*> path;
  Collect(request, path);
  for (Flag& flag : flags_) {
    flag.shortest = flag.path;
    for (size_t dot = flag.path.rfind('.'); dot != std::string::npos && dot > 0;
         dot = flag.path.rfind('.', dot - 1)) {
      const std::string tail = flag.path.substr(dot + 1);
      if (Find(tail) == &flag) {
        flag.shortest = tail;
        break;
      }
    }
  }
}

void RequestFlags::Collect(const Descriptor& type, std::vector<const FieldDescriptor*>& path) {
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor* field = type.field(i);
    const auto& rules = RulesOf(*field);
    const bool nested = !path.empty();
    const bool in_update = nested && path.front() == updated_;
    const bool etag = in_update && path.size() == 1 && field->name() == "etag";
    // Below the request: what the server sets, and the resource's own name, which the positional
    // argument gives.
    if (nested && field->name() == "name") continue;
    if (nested && rules.output_only() && !etag) continue;
    if (in_update && rules.immutable()) continue;
    path.push_back(field);
    if (IsLeaf(*field)) {
      Flag flag;
      flag.field = path;
      flag.path = absl::StrReplaceAll(absl::StrJoin(path, ".",
                                                    [](std::string* out, const FieldDescriptor* f) {
                                                      absl::StrAppend(out, f->name());
                                                    }),
                                      {{"_", "-"}});
      flags_.push_back(std::move(flag));
    } else if (path.size() < 6) {
      Collect(*field->message_type(), path);
    }
    path.pop_back();
  }
}

std::vector<const Flag*> RequestFlags::Matches(absl::string_view typed) const {
  const std::string word = absl::StrReplaceAll(typed, {{"_", "-"}});
  std::vector<const Flag*> tails, singulars;
  for (const Flag& flag : flags_) {
    if (flag.path == word) return {&flag};
    if (absl::EndsWith(flag.path, "." + word)) tails.push_back(&flag);
    const std::string plural = word + "s";
    if (flag.leaf().is_repeated() &&
        (flag.path == plural || absl::EndsWith(flag.path, "." + plural))) {
      singulars.push_back(&flag);
    }
  }
  return tails.empty() ? singulars : tails;
}

const Flag* RequestFlags::Find(absl::string_view typed) const {
  const std::vector<const Flag*> matches = Matches(typed);
  return matches.size() == 1 ? matches.front() : nullptr;
}

absl::Status RequestFlags::NotFound(absl::string_view typed) const {
  const std::vector<const Flag*> matches = Matches(typed);
  std::vector<std::string> names;
  names.reserve(flags_.size());
  for (const Flag* flag : matches) names.push_back("--" + flag->path);
  if (!matches.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", typed, " is ambiguous: write ", absl::StrJoin(names, " or ")));
  }
  for (const Flag& flag : flags_) names.push_back("--" + flag.shortest);
  return absl::InvalidArgumentError(
      absl::StrCat("unknown flag --", typed, DidYouMean(absl::StrCat("--", typed), names)));
}

absl::Status RequestFlags::Apply(const std::vector<FlagText>& flags, ValueContext& context,
                                 Message& request) const {
  std::set<std::string> masked;
  std::set<const Flag*> seen;
  for (const auto& [name, text] : flags) {
    const Flag* flag = Find(name);
    if (flag == nullptr) return NotFound(name);
    const bool again = !seen.insert(flag).second;
    if (again && !flag->leaf().is_repeated()) {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " is given more than once"));
    }
    Message& holder = Holder(request, *flag);
    const bool in_update = updated_ != nullptr && flag->field.front() == updated_;
    if (in_update && flag->leaf().name() != "etag") masked.insert(MaskPath(*flag));
    // What the flags say of a repeated field replaces what --json said.
    if (!again && flag->leaf().is_repeated()) {
      holder.GetReflection()->ClearField(&holder, &flag->leaf());
    }
    if (in_update && text.empty()) {
      holder.GetReflection()->ClearField(&holder, &flag->leaf());
      continue;
    }
    const absl::Status status = SetField(holder, flag->leaf(), text, context);
    if (!status.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--", name, ": ", absl::string_view(status.message())));
    }
  }
  if (updated_ == nullptr) return absl::OkStatus();

  const auto* mask_field = request.GetDescriptor()->FindFieldByName("update_mask");
  if (request.GetReflection()->HasField(request, mask_field)) return absl::OkStatus();
  // Fields that --json has set are meant to change, too.
  for (const Flag& flag : flags_) {
    if (flag.field.front() == updated_ && flag.leaf().name() != "etag" && IsSet(request, flag)) {
      masked.insert(MaskPath(flag));
    }
  }
  if (masked.empty()) {
    return absl::InvalidArgumentError("nothing to change: name at least one field by its flag");
  }
  return SetField(request, *mask_field, absl::StrJoin(masked, ","), context);
}

}  // namespace ipt::ctl
