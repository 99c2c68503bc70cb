// Trajectories and results on the wire.
#pragma once

#include <string>
#include <vector>

#include "ipt/outcomes/v1/outcome.pb.h"
#include "outcomes/domain/outcomes.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

// Only series of these instruments; empty: all. Signals, sessions and alerts are the course's,
// whichever series are asked for.
void WriteTrajectory(const CourseOutcomes& outcomes, const std::vector<std::string>& instrument_ids,
                     pb::Trajectory* out);

// A signal of the course's, or one that it had: then there is nothing but what `signal` says.
void WriteSignal(const CourseOutcomes& outcomes, const Signal& signal, pb::Signal* out);

void WriteCourseResult(const CourseOutcomes& outcomes, pb::CourseResult* out);

}  // namespace ipt::outcomes
