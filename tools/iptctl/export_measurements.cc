#include "iptctl/export_measurements.h"

#include <fstream>

#include "absl/strings/str_cat.h"
#include "google/protobuf/util/json_util.h"
#include "ipt/outcomes/v1/measurement_bulk_service.pb.h"
#include "iptctl/file_output.h"
#include "iptctl/follow_stream.h"

namespace ipt::ctl {

int ExportMeasurements(const MethodDescriptor& method, const Message& request, Session& session) {
  outcomes::v1::ExportMeasurementsRequest asked;
  asked.ParseFromString(request.SerializeAsString());
  // A file that is there is whole.
  const std::string path = session.settings.Get("to");
  const std::string half = path + ".part";
  std::ofstream file;
  if (!path.empty()) {
    if (MakePrivateFile(half).ok()) file.open(half, std::ios::binary | std::ios::trunc);
    if (!file.is_open()) return session.UsageError(absl::StrCat("--to: cannot write ", half));
  }
  std::ostream& out = path.empty() ? session.env.out : file;
  int64_t exported = 0;
  int64_t revision = 0;
  bool complete = false;
  const int exit =
      FollowStream(method, asked, session, [&](const std::string& bytes) -> absl::StatusOr<bool> {
        outcomes::v1::ExportMeasurementsResponse response;
        if (!response.ParseFromString(bytes)) return true;
        out << response.csv();
        for (const outcomes::v1::Measurement& measurement : response.measurements()) {
          std::string json;
          google::protobuf::util::MessageToJsonString(measurement, &json);
          out << json << "\n";
        }
        out << std::flush;
        if (!out)
          return absl::InvalidArgumentError("the measurements cannot be written: disk full?");
        asked.set_cursor(response.cursor());
        exported = response.exported();
        revision = response.revision();
        complete = response.complete();
        return !complete;
      });
  if (exit != 0 || !complete) return exit;
  if (!path.empty()) {
    file.close();
    if (!file || !PutInPlace(half, path).ok()) {
      return session.UsageError(absl::StrCat("--to: cannot write ", path));
    }
  }
  session.env.err << "note: " << exported << " measurements, all of revision " << revision
                  << "; --after-revision " << revision << " takes what changes later\n";
  return 0;
}

}  // namespace ipt::ctl
