# cmake -DDIR=... -DCOMPONENT=... -DFUNCTION=... -DNAMESPACE=... -DHEADER=... -DOUT=...
#       -DSHARED_DIR=... -DSHARED=name=other,... -P EmbedSql.cmake
# Writes a .cc with every migration under DIR/{sqlite,postgres} as a constant (see IptSql.cmake).
# A line `-- oldest_binary: N` of a migration: binaries that know N migrations or more still run on the
# schema that it leaves (platform/storage/migrator.h). In a shared file N counts the migrations of the
# component whose file it is; here it becomes the number that such a binary of this component knows.
string(REPLACE "," ";" SHARED "${SHARED}")

function(number_of name out)
  string(SUBSTRING ${name} 0 4 digits)
  math(EXPR number "1${digits} - 10000")
  set(${out} ${number} PARENT_SCOPE)
endfunction()

# This component's version that is the shared migration `number`, or the next one after it that is shared.
function(version_of_shared number out)
  set(found 9999)
  foreach(pair ${SHARED})
    string(REPLACE "=" ";" pair ${pair})
    list(GET pair 0 name)
    list(GET pair 1 other)
    number_of(${name} version)
    number_of(${other} theirs)
    if(NOT theirs LESS number AND version LESS found)
      set(found ${version})
    endif()
  endforeach()
  set(${out} ${found} PARENT_SCOPE)
endfunction()

set(lists "")
foreach(dialect sqlite postgres)
  file(GLOB files ${DIR}/${dialect}/*.sql)
  set(names "")
  foreach(file ${files})
    get_filename_component(name ${file} NAME_WE)
    list(APPEND names ${name})
    set(file_of_${name} ${file})
  endforeach()
  foreach(pair ${SHARED})
    string(REPLACE "=" ";" pair ${pair})
    list(GET pair 0 name)
    list(GET pair 1 other)
    list(APPEND names ${name})
    set(file_of_${name} ${SHARED_DIR}/${dialect}/${other}.sql)
    number_of(${other} number_of_${name})
  endforeach()
  list(SORT names)
  set(entries "")
  set(expected 1)
  foreach(name ${names})
    set(file ${file_of_${name}})
    if(NOT name MATCHES "^([0-9][0-9][0-9][0-9])_[a-z0-9_]+$")
      message(FATAL_ERROR "${file}: a migration is named NNNN_words.sql")
    endif()
    math(EXPR version "1${CMAKE_MATCH_1} - 10000")
    if(NOT version EQUAL expected)
      message(FATAL_ERROR "${file}: the next migration of ${COMPONENT} (${dialect}) is number ${expected}")
    endif()
    math(EXPR expected "${expected} + 1")
    file(READ ${file} sql)
    set(oldest ${version})
    set(number ${version})
    if(DEFINED number_of_${name})
      set(number ${number_of_${name}})
    endif()
    if(sql MATCHES "oldest_binary")
      if(NOT sql MATCHES "(^|\n)-- oldest_binary: ([1-9][0-9]*)\n" OR CMAKE_MATCH_2 GREATER number)
        message(FATAL_ERROR "${file}: a line `-- oldest_binary: N` names a version up to its own")
      endif()
      set(oldest ${CMAKE_MATCH_2})
      if(DEFINED number_of_${name})
        version_of_shared(${oldest} oldest)
      endif()
    endif()
    string(APPEND entries "    {${version}, \"${name}\", R\"sql(${sql})sql\", ${oldest}},\n")
  endforeach()
  if(expected EQUAL 1)
    message(FATAL_ERROR "${DIR}/${dialect}: no migrations")
  endif()
  string(APPEND lists "constexpr Migration k_${dialect}[] = {\n${entries}};\n\n")
endforeach()

file(WRITE ${OUT} "// Made by tools/cmake/EmbedSql.cmake from ${COMPONENT}'s migrations.
#include \"${HEADER}\"

namespace ${NAMESPACE} {
namespace {

using ::ipt::storage::Component;
using ::ipt::storage::Migration;

${lists}}  // namespace

const Component& ${FUNCTION}() {
  static const Component component{\"${COMPONENT}\", k_sqlite, k_postgres};
  return component;
}

}  // namespace ${NAMESPACE}
")
