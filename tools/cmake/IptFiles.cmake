# Data files, embedded in the binary at build time.
# ipt_embed_files(OUT variable DIR folder SUFFIX .json [RECURSE] FUNCTION Name NAMESPACE ipt::x HEADER x/y.h)
#
# Sets `variable` to a generated source that defines
# `absl::Span<const EmbeddedFile> NAMESPACE::FUNCTION()`, with DIR's files of that suffix by name; with
# RECURSE, also those of its folders, as folder/name. HEADER declares it, and in NAMESPACE
# `struct EmbeddedFile { absl::string_view name, text; }`. Add it to the SRCS.
function(ipt_embed_files)
  cmake_parse_arguments(ARG "RECURSE" "OUT;DIR;SUFFIX;FUNCTION;NAMESPACE;HEADER" "" ${ARGN})
  get_filename_component(dir ${ARG_DIR} ABSOLUTE BASE_DIR ${CMAKE_CURRENT_SOURCE_DIR})
  set(glob GLOB)
  if(ARG_RECURSE)
    set(glob GLOB_RECURSE)
  endif()
  file(${glob} files CONFIGURE_DEPENDS ${dir}/*${ARG_SUFFIX})
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${ARG_FUNCTION}.cc)
  add_custom_command(
    OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DDIR=${dir} -DGLOB=${glob} -DSUFFIX=${ARG_SUFFIX} -DFUNCTION=${ARG_FUNCTION}
            -DNAMESPACE=${ARG_NAMESPACE} -DHEADER=${ARG_HEADER} -DOUT=${out}
            -P ${CMAKE_SOURCE_DIR}/tools/cmake/EmbedFiles.cmake
    DEPENDS ${files} ${CMAKE_SOURCE_DIR}/tools/cmake/EmbedFiles.cmake
    VERBATIM)
  set(${ARG_OUT} ${out} PARENT_SCOPE)
endfunction()
