#include "iptctl/save_report.h"

#include "ipt/outcomes/v1/report.pb.h"
#include "iptctl/report_page.h"

namespace ipt::ctl {

int SaveReport(const MethodDescriptor& method, const Message& request, Session& session) {
  outcomes::v1::ClinicReport report;
  if (const int exit = session.Call(method, request, report)) return exit;
  return session.Save("html", ReportPage(report));
}

}  // namespace ipt::ctl
