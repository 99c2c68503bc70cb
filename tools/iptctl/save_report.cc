#include "iptctl/save_report.h"

#include "ipt/outcomes/v1/report.pb.h"
#include "iptctl/report_page.h"

namespace ipt::ctl {

int SaveReport(const Message& response, Session& session) {
  outcomes::v1::ClinicReport report;
  report.ParseFromString(response.SerializeAsString());
  return session.Save("html", ReportPage(report));
}

}  // namespace ipt::ctl
