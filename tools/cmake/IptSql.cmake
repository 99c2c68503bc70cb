# SQL migrations, embedded in the binary at build time.
# ipt_embed_sql(OUT variable COMPONENT name DIR folder FUNCTION Name NAMESPACE ipt::x HEADER x/y.h
#               [SHARED_DIR folder SHARED NNNN_words=MMMM_others ...])
#
# Sets `variable` to a generated source that defines `const storage::Component& NAMESPACE::FUNCTION()`,
# declared in HEADER, with the files of DIR/sqlite and DIR/postgres: NNNN_words.sql, without gaps.
# SHARED: this component's NNNN_words are the file MMMM_others of SHARED_DIR/sqlite and SHARED_DIR/postgres.
# Add it to the SRCS of the library.
function(ipt_embed_sql)
  cmake_parse_arguments(ARG "" "OUT;COMPONENT;DIR;FUNCTION;NAMESPACE;HEADER;SHARED_DIR" "SHARED" ${ARGN})
  get_filename_component(dir ${ARG_DIR} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  file(GLOB files CONFIGURE_DEPENDS ${dir}/sqlite/*.sql ${dir}/postgres/*.sql)
  set(shared_dir ${dir})
  if(ARG_SHARED_DIR)
    get_filename_component(shared_dir ${ARG_SHARED_DIR} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  endif()
  foreach(pair ${ARG_SHARED})
    string(REGEX REPLACE "^.*=" "" name ${pair})
    list(APPEND files ${shared_dir}/sqlite/${name}.sql ${shared_dir}/postgres/${name}.sql)
  endforeach()
  string(REPLACE ";" "," shared "${ARG_SHARED}")
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${ARG_COMPONENT}_migrations.cc)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DDIR=${dir} -DCOMPONENT=${ARG_COMPONENT} -DFUNCTION=${ARG_FUNCTION}
            -DNAMESPACE=${ARG_NAMESPACE} -DHEADER=${ARG_HEADER} -DOUT=${out}
            -DSHARED_DIR=${shared_dir} -DSHARED=${shared}
            -P ${CMAKE_SOURCE_DIR}/tools/cmake/EmbedSql.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/tools/cmake/EmbedSql.cmake
    VERBATIM)
  # A test's binary may bring its own in its place (tests/next_release).
  ipt_compile_alone(${out})
  set(${ARG_OUT} ${out} PARENT_SCOPE)
endfunction()
