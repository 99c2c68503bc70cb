// The protobuf contract, embedded in the binary with its comments. Commands, flags, help and output
// all follow from it: a new method needs one line in the command table, nothing else.
//
// Thread-safe. Everything returned lives as long as the process.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"
#include "ipt/common/v1/options.pb.h"

namespace ipt::ctl {

using google::protobuf::Descriptor;
using google::protobuf::EnumValueDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::MethodDescriptor;

// Every method of every service of the contract, by service, in the order of its file.
const std::vector<const MethodDescriptor*>& ContractMethods();

// By full name with dots, e.g. "ipt.scheduling.v1.CourseService.GetCourse"; nullptr if unknown. A
// leading slash and one before the method, as gRPC writes them, are understood, too.
const MethodDescriptor* FindMethod(absl::string_view name);

// An empty message of the type.
std::unique_ptr<Message> NewMessage(const Descriptor& type);

// "/ipt.scheduling.v1.CourseService/GetCourse".
std::string RpcPath(const MethodDescriptor& method);

// The comment above it in the contract, in one line; empty if there is none.
std::string CommentOf(const FieldDescriptor& field);
std::string CommentOf(const MethodDescriptor& method);

// What the contract demands of a field; empty where it demands nothing.
const ipt::common::v1::FieldRules& RulesOf(const FieldDescriptor& field);

// A value's name as people type it: MODALITY_IN_PERSON is "in-person".
std::string EnumText(const EnumValueDescriptor& value);

}  // namespace ipt::ctl
