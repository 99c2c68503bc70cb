// ErrorInfo reasons of outcomes: values of ipt.common.v1.ErrorReason without the prefix (a test
// compares the two).
#pragma once

#include "platform/errors/error.h"

namespace ipt::outcomes::reason {

inline constexpr char kCompletedInFuture[] = "COMPLETED_IN_FUTURE";
inline constexpr char kMeasurementExists[] = "MEASUREMENT_EXISTS";
inline constexpr char kMeasurementState[] = "MEASUREMENT_STATE";
inline constexpr char kMeasurementHistoryFull[] = "MEASUREMENT_HISTORY_FULL";
inline constexpr char kInstrumentRetired[] = "INSTRUMENT_RETIRED";
inline constexpr char kInstrumentVersion[] = "INSTRUMENT_VERSION";
inline constexpr char kAlertState[] = "ALERT_STATE";
inline constexpr char kIndicationTaken[] = "INDICATION_TAKEN";
inline constexpr char kImportRowOrder[] = "IMPORT_ROW_ORDER";
inline constexpr char kImportTakenOver[] = "IMPORT_TAKEN_OVER";
inline constexpr char kResultsBeingMade[] = "RESULTS_BEING_MADE";
using ::ipt::reason::kRevisionNotReached;

}  // namespace ipt::outcomes::reason
