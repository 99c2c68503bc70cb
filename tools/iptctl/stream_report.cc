#include "iptctl/stream_report.h"

#include <string>

#include "ipt/outcomes/v1/report_service.pb.h"
#include "iptctl/follow_stream.h"

namespace ipt::ctl {

int StreamReport(const MethodDescriptor& method, const Message& request, Session& session) {
  std::string csv;
  std::string heading;
  return FollowStream(method, request, session,
                      [&](const std::string& bytes) -> absl::StatusOr<bool> {
                        outcomes::v1::StreamClinicReportResponse part;
                        if (!part.ParseFromString(bytes)) return true;
                        // One that has broken off is asked for anew, and begins with its heading.
                        const std::string line = part.csv().substr(0, part.csv().find('\n'));
                        if (heading.empty()) heading = line;
                        if (line == heading) csv.clear();
                        csv += part.csv();
                        if (!part.complete()) return true;
                        session.env.out << csv << std::flush;
                        return false;
                      });
}

}  // namespace ipt::ctl
