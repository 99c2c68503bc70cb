#include "iptctl/contract.h"

#include <cstdio>
#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "google/protobuf/descriptor.pb.h"
#include "google/protobuf/dynamic_message.h"

// The file set that protoc made at build time, byte for byte. A compiler cache sees it only when it
// preprocesses: never set CCACHE_DEPEND.
asm(".section .rodata\n"
    "ipt_contract_begin:\n"
    ".incbin \"" IPT_CONTRACT_FILE
    "\"\n"
    "ipt_contract_end:\n"
    ".byte 0\n"
    ".previous\n");
extern "C" {
extern const char ipt_contract_begin[] __attribute__((visibility("hidden")));
extern const char ipt_contract_end[] __attribute__((visibility("hidden")));
}

namespace ipt::ctl {
namespace {

struct Contract {
  google::protobuf::DescriptorPool pool;
  google::protobuf::DynamicMessageFactory factory{&pool};
  std::vector<const MethodDescriptor*> methods;

  Contract() {
    google::protobuf::FileDescriptorSet files;
    const auto size = static_cast<int>(ipt_contract_end - ipt_contract_begin);
    bool sound = files.ParseFromArray(ipt_contract_begin, size);
    for (const auto& proto : files.file()) {
      const auto* file = pool.BuildFile(proto);
      sound = sound && file != nullptr;
      if (file == nullptr || !absl::StartsWith(file->package(), "ipt.")) continue;
      for (int s = 0; s < file->service_count(); ++s) {
        for (int m = 0; m < file->service(s)->method_count(); ++m) {
          methods.push_back(file->service(s)->method(m));
        }
      }
    }
    if (!sound) {
      std::fputs("iptctl: the embedded contract is damaged: reinstall iptctl\n", stderr);
      std::abort();
    }
  }
};

Contract& TheContract() {
  static Contract* const contract = new Contract;
  return *contract;
}

template <typename D>
std::string Comment(const D& descriptor) {
  google::protobuf::SourceLocation location;
  if (!descriptor.GetSourceLocation(&location)) return "";
  return absl::StrJoin(
      absl::StrSplit(location.leading_comments, absl::ByAnyChar(" \n"), absl::SkipEmpty()), " ");
}

}  // namespace

const std::vector<const MethodDescriptor*>& ContractMethods() { return TheContract().methods; }

const MethodDescriptor* FindMethod(absl::string_view name) {
  return TheContract().pool.FindMethodByName(
      absl::StrReplaceAll(absl::StripPrefix(name, "/"), {{"/", "."}}));
}

std::unique_ptr<Message> NewMessage(const Descriptor& type) {
  return std::unique_ptr<Message>(TheContract().factory.GetPrototype(&type)->New());
}

std::string RpcPath(const MethodDescriptor& method) {
  return "/" + method.service()->full_name() + "/" + method.name();
}

std::string CommentOf(const FieldDescriptor& field) { return Comment(field); }
std::string CommentOf(const MethodDescriptor& method) { return Comment(method); }

const ipt::common::v1::FieldRules& RulesOf(const FieldDescriptor& field) {
  return field.options().GetExtension(ipt::common::v1::rules);
}

std::string EnumText(const EnumValueDescriptor& value) {
  const std::string& zero = value.type()->value(0)->name();
  absl::string_view name = value.name();
  absl::string_view prefix = zero;
  if (absl::ConsumeSuffix(&prefix, "UNSPECIFIED")) name = absl::StripPrefix(name, prefix);
  return absl::StrReplaceAll(absl::AsciiStrToLower(name), {{"_", "-"}});
}

}  // namespace ipt::ctl
