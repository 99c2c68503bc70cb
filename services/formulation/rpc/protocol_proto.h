// Protocols on the wire.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "formulation/domain/protocol.h"
#include "formulation/domain/types.h"
#include "ipt/formulation/v1/protocol.pb.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

// The name of what a course is held to; empty where the data have nothing of its variant.
std::string NameOfProtocol(absl::string_view clinic_id, absl::string_view protocol_id);

void WriteSource(const Source& source, pb::Source* out);
void WriteQuestion(const Question& question, pb::Question* out);
void WriteStrategy(const Strategy& strategy, pb::Strategy* out);
void WriteTask(const Task& task, pb::ProtocolTask* out);
void WriteTechnique(const Technique& technique, pb::Technique* out);
void WriteSpan(const PhaseSpan& span, ipt::scheduling::v1::PhaseSpan* out);

// As a list has it: without areas, tasks and what follows them.
void WriteProtocolHead(absl::string_view clinic_id, const Protocol& protocol, bool in_use,
                       pb::Protocol* out);
void WriteProtocol(absl::string_view clinic_id, const Protocol& protocol, bool in_use,
                   pb::Protocol* out);

}  // namespace ipt::formulation
