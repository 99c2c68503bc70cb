// Random identifiers: 128 bits as 32 lower-case hexadecimal digits. Thread-safe.
#pragma once

#include <string>

namespace ipt::storage {

std::string RandomId();

}  // namespace ipt::storage
