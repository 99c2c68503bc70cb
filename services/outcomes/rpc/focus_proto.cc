#include "outcomes/rpc/focus_proto.h"

#include "absl/time/time.h"
#include "platform/rpc/proto_time.h"

namespace ipt::outcomes {
namespace {

using Kind = ::ipt::formulation::v1::ProblemAreaKind;

}  // namespace

void WriteFocus(const CourseFocus& focus, pb::CourseFocus* out) {
  out->set_primary_kind(static_cast<Kind>(focus.primary_kind));
  out->set_secondary_kind(static_cast<Kind>(focus.secondary_kind));
  rpc::WriteDay(focus.agreed_on, out->mutable_agreed_on());
  out->set_revision_number(focus.revision_number);
  if (focus.first_primary_kind != focus.primary_kind) {
    out->set_first_primary_kind(static_cast<Kind>(focus.first_primary_kind));
  }
}

void WriteFormulation(const FormulationAge& age, pb::FormulationView* out) {
  out->set_followed(age.has_value());
  if (!age.has_value()) return;
  out->set_current(age->current);
  if (age->as_of != absl::InfinitePast()) rpc::WriteTime(age->as_of, out->mutable_as_of_time());
}

}  // namespace ipt::outcomes
