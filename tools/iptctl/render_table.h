// Any message of the contract as text: lists as aligned columns, single resources as key/value
// blocks with the tables of what they hold beneath. Pure functions.
#pragma once

#include <string>

#include "iptctl/contract.h"
#include "iptctl/value_text.h"

namespace ipt::ctl {

std::string RenderMessage(const Message& message, const ShowContext& context);

// The one repeated message field of a list's response, nullptr where the message is no page of a
// list.
const FieldDescriptor* ListedField(const Descriptor& type);

}  // namespace ipt::ctl
