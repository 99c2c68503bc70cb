// SOCI's headers, for this folder's .cc files only. Debian's copy claims a Boost that its package
// does not bring; nothing but converters to Boost types depends on it.
#pragma once

#include <soci/soci-config.h>
#undef SOCI_HAVE_BOOST
#undef SOCI_HAVE_BOOST_DATE_TIME

#include <soci/soci.h>
