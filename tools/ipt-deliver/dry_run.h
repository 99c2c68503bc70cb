// Shows what would be delivered now, without leasing it.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "grpcpp/support/status.h"
#include "ipt-deliver/server_link.h"

namespace ipt::deliver {

// What is scheduled and due by this machine's clock, by clinic and due time, a line of JSON each;
// the idempotency key, which comes with a lease, is null. Whether sending is paused, paced or quiet
// is not looked at.
grpc::Status PrintDue(const ServerLink& link, const std::vector<std::string>& clinics,
                      const std::vector<v1::ReminderChannel>& channels, std::ostream& out);

}  // namespace ipt::deliver
