// One stream that brings in measurements. Rows wait here until there is a batch of them, or no
// more: at most one message and a batch. A batch is committed when the client can take what is said
// of it, so a client that does not read is not written for.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "course_copies/domain/course_copies.h"
#include "ipt/outcomes/v1/measurement_bulk_service.pb.h"
#include "outcomes/domain/instruments.h"
#include "outcomes/domain/measurement_imports.h"
#include "outcomes/domain/store.h"
#include "outcomes/domain/types.h"
#include "platform/ids/ids.h"
#include "platform/rpc/message_rules.h"
#include "platform/rpc/stream.h"
#include "platform/time/clock.h"
#include "platform/transaction/call_context.h"

namespace ipt::outcomes {
namespace pb = ::ipt::outcomes::v1;

void WriteImport(const MeasurementImport& import, pb::MeasurementImport* out);

// Used by one thread at a time, as streams are.
class ImportStream final
    : public rpc::BidiStream<pb::ImportMeasurementsRequest, pb::ImportMeasurementsResponse> {
 public:
  // All of them outlive the stream. `courses` may be null.
  struct Parts {
    OutcomesStore& store;
    const Catalog& catalog;
    IdSource& ids;
    courses::CourseDirectory* courses;
    const Clock& clock;
    const rpc::MessageRules& row_rules;
  };
  static absl::StatusOr<std::unique_ptr<ImportStream>> Open(
      const Parts& parts, const CallContext& ctx, const pb::ImportMeasurementsRequest& first);

  absl::Status OnMessage(const CallContext& ctx,
                         const pb::ImportMeasurementsRequest& message) override;
  bool WantsMessage() const override;
  void OnClientDone(const CallContext& ctx) override;
  absl::StatusOr<rpc::Next<pb::ImportMeasurementsResponse>> NextResponse(
      const CallContext& ctx) override;

 private:
  using Next = rpc::Next<pb::ImportMeasurementsResponse>;

  ImportStream(const Parts& parts, MeasurementImport import)
      : parts_(parts), import_(std::move(import)) {}

  ImportedRow ReadRow(const CallContext& ctx, const pb::ImportRow& in) const;
  absl::StatusOr<Next> TellOfBefore(const CallContext& ctx);
  absl::StatusOr<Next> Commit(const CallContext& ctx);
  absl::StatusOr<Next> Complete(const CallContext& ctx);
  // What is known of the rows' courses. Cuts the batch where asking for more of them would take too
  // long, after one course at least.
  absl::StatusOr<CourseAnswers> FindCourses(const CallContext& ctx,
                                            std::vector<ImportedRow>& batch) const;
  // What the batch came to, durably.
  absl::StatusOr<ImportStep> Record(const CallContext& ctx, const std::vector<ImportedRow>& batch,
                                    const CourseAnswers& courses);
  pb::ImportMeasurementsResponse Respond(const std::vector<ImportRowError>& errors) const;

  const Parts parts_;
  MeasurementImport import_;  // as it is committed
  std::deque<ImportedRow> rows_;
  // Errors of before this stream are told first, up to the last of them.
  bool telling_of_before_ = true;
  int64_t told_row_ = 0;
  bool client_done_ = false;
  bool told_complete_ = false;
};

}  // namespace ipt::outcomes
