// The copy's tables, in the component `course_copies` of the schema of a service that began with
// them.
//
// Outcomes is older than this component: its own made these tables, by the first of these files and
// by a part of its fifth (0002 here), and a store keeps the component that it was made with. What
// changes the copy's tables from here on is one file here, and the same file in outcomes' component
// under its next number (SHARED in services/outcomes/storage/CMakeLists.txt).
#pragma once

#include "platform/storage/migrator.h"

namespace ipt::courses {

const storage::Component& CourseCopiesMigrations();

}  // namespace ipt::courses
