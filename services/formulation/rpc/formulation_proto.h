// Formulations on the wire.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "course_copies/domain/course_copies.h"
#include "formulation/domain/formulation_diff.h"
#include "formulation/domain/formulations.h"
#include "formulation/domain/patient_copy.h"
#include "formulation/domain/types.h"
#include "ipt/formulation/v1/formulation.pb.h"
#include "platform/errors/field_violations.h"

namespace ipt::formulation {
namespace pb = ::ipt::formulation::v1;

void WriteContent(absl::string_view clinic_id, absl::string_view course_id,
                  const FormulationContent& content, pb::FormulationContent* out);
// Names of another course are field errors.
FormulationContent ReadContent(const pb::FormulationContent& in, absl::string_view course_id,
                               FieldViolations bad);

// What is said of a revision beside what is stored of it follows from these: its open points and
// warnings.
struct RevisionContext {
  const FormulationGround& ground;
  const courses::CourseAnswer& course;
};
void WriteRevision(const FormulationRevision& revision, const RevisionContext& context,
                   pb::FormulationRevision* out);
void WriteFormulation(const CourseFormulation& formulation, const RevisionContext& context,
                      pb::Formulation* out);

void WriteFieldChange(const FieldChange& change, pb::FieldChange* out);
void WriteConflict(const DraftConflict& conflict, const std::string& base_etag,
                   const RevisionContext& context, pb::FormulationConflict* out);
void WritePatientCopy(const PatientCopy& copy, pb::PatientCopy* out);

}  // namespace ipt::formulation
