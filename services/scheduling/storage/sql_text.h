// The platform's texts of SQL, by the names that scheduling's have.
#pragma once

#include "platform/storage/sql_text.h"

namespace ipt::scheduling {

using storage::FilteredQuery;
using storage::InJson;
using storage::JsonElements;
using storage::JsonRows;

}  // namespace ipt::scheduling
