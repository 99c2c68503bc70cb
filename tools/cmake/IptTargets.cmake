# One CMake target per folder: ipt_add_library(NAME scheduling_domain SRCS ... DEPS ...) makes the
# static library ipt_scheduling_domain and its alias ipt::scheduling_domain.

add_library(ipt_options INTERFACE)
# GCC 12 warns of overlapping copies inside std::string's own assignment (GCC bug 105651).
target_compile_options(ipt_options INTERFACE -Wall -Wextra -Werror -Wno-restrict -fno-omit-frame-pointer)
target_include_directories(ipt_options INTERFACE ${CMAKE_SOURCE_DIR}/services)
target_link_libraries(ipt_options INTERFACE Threads::Threads)
# One flag for all, so that all may share what is precompiled.
target_compile_options(ipt_options INTERFACE -pthread)
if(IPT_SANITIZE)
  # GCC 12 takes parts of the standard library (std::regex) for uninitialized where they are instrumented.
  add_compile_options(-fsanitize=${IPT_SANITIZE} -fno-sanitize-recover=all -Wno-maybe-uninitialized)
  add_link_options(-fsanitize=${IPT_SANITIZE})
  if(IPT_SANITIZE STREQUAL thread)
    # Protobuf's map fields are laid out in another way where this is defined; the distribution's library was
    # built without. The standard library is still told, by its own word.
    add_compile_options(-U__SANITIZE_THREAD__ -D_GLIBCXX_TSAN=1)
  endif()
endif()

# Tests run briefly and are compiled often: not optimising them saves half of their compile time. What
# they test is optimised as shipped.
add_library(ipt_test_options INTERFACE)
target_compile_options(ipt_test_options INTERFACE $<$<CONFIG:Release>:-O0>)
target_include_directories(ipt_test_options INTERFACE ${CMAKE_SOURCE_DIR})
target_link_libraries(ipt_test_options INTERFACE ipt_options GTest::gmock_main)

# The libraries' headers, read once for all targets: some two seconds less for each file. They hold no
# header of ours, so no edit makes them anew. Files still include what they use: tools/tidy, which goes
# without, says where one does not. In <>, so that no path of this folder stands in what is cached.
add_library(ipt_precompiled STATIC ${CMAKE_SOURCE_DIR}/tools/cmake/precompiled.cc)
target_link_libraries(ipt_precompiled PRIVATE ipt_options absl::flat_hash_map absl::statusor
  absl::str_format absl::time)
target_include_directories(ipt_precompiled PRIVATE ${CMAKE_CURRENT_LIST_DIR})
target_precompile_headers(ipt_precompiled PRIVATE <precompiled.h>)
add_library(ipt_precompiled_test STATIC ${CMAKE_SOURCE_DIR}/tools/cmake/precompiled.cc)
target_link_libraries(ipt_precompiled_test PRIVATE ipt_precompiled ipt_test_options)
target_include_directories(ipt_precompiled_test PRIVATE ${CMAKE_CURRENT_LIST_DIR})
target_precompile_headers(ipt_precompiled_test PRIVATE <precompiled.h> <gmock/gmock.h> <gtest/gtest.h>)

# Files of a target are compiled sixteen at a time (CMakePresets.json; the debug preset compiles each by
# itself): less than half of the work. So a name in an anonymous namespace is one of its folder; files
# that cannot share theirs, as tests that stand for themselves, are named here.
function(ipt_compile_alone)
  set_source_files_properties(${ARGN} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
endfunction()

# ipt_reads_durations(target): Abseil reads a flag that is longer than a word under a fence, which
# ThreadSanitizer does not know and GCC warns of.
function(ipt_reads_durations target)
  if(IPT_SANITIZE STREQUAL thread)
    target_compile_options(${target} PRIVATE -Wno-tsan)
  endif()
endfunction()

# ipt_add_library(NAME name SRCS files... [DEPS targets...] [NO_PRECOMPILED])
# NO_PRECOMPILED: for a target whose flags or macros differ from the others'.
function(ipt_add_library)
  cmake_parse_arguments(ARG "NO_PRECOMPILED" "NAME" "SRCS;DEPS" ${ARGN})
  add_library(ipt_${ARG_NAME} STATIC ${ARG_SRCS})
  add_library(ipt::${ARG_NAME} ALIAS ipt_${ARG_NAME})
  target_link_libraries(ipt_${ARG_NAME} PUBLIC ipt_options ${ARG_DEPS})
  if(NOT ARG_NO_PRECOMPILED)
    target_precompile_headers(ipt_${ARG_NAME} REUSE_FROM ipt_precompiled)
  endif()
endfunction()

# ipt_add_interface(NAME name [DEPS targets...]): a folder of headers only.
function(ipt_add_interface)
  cmake_parse_arguments(ARG "" "NAME" "DEPS" ${ARGN})
  add_library(ipt_${ARG_NAME} INTERFACE)
  add_library(ipt::${ARG_NAME} ALIAS ipt_${ARG_NAME})
  target_link_libraries(ipt_${ARG_NAME} INTERFACE ipt_options ${ARG_DEPS})
endfunction()

# ipt_add_binary(NAME file-name SRCS files... [DEPS targets...]): lands in <build>/bin, and in the global
# property IPT_BINARIES.
function(ipt_add_binary)
  cmake_parse_arguments(ARG "" "NAME" "SRCS;DEPS" ${ARGN})
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_link_libraries(${ARG_NAME} PRIVATE ipt_options ${ARG_DEPS})
  target_precompile_headers(${ARG_NAME} REUSE_FROM ipt_precompiled)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  set_property(GLOBAL APPEND PROPERTY IPT_BINARIES ${ARG_NAME})
endfunction()

# ipt_add_test(NAME name SRCS files... [DEPS targets...] [LABEL unit|storage|e2e] [TIMEOUT seconds])
# A GoogleTest binary, run by ctest as one test. Labels are the three tiers of CONTRIBUTING.md.
function(ipt_add_test)
  cmake_parse_arguments(ARG "" "NAME;LABEL;TIMEOUT" "SRCS;DEPS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${ARG_NAME} ${ARG_SRCS})
  target_link_libraries(${ARG_NAME} PRIVATE ipt_test_options ${ARG_DEPS})
  target_precompile_headers(${ARG_NAME} REUSE_FROM ipt_precompiled_test)
  set_target_properties(${ARG_NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  add_test(NAME ${ARG_NAME} COMMAND ${ARG_NAME})
  set_tests_properties(${ARG_NAME} PROPERTIES LABELS ${ARG_LABEL} TIMEOUT ${ARG_TIMEOUT})
endfunction()
