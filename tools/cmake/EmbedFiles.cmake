# cmake -DDIR=... -DGLOB=GLOB -DSUFFIX=.json -DFUNCTION=... -DNAMESPACE=... -DHEADER=... -DOUT=... -P EmbedFiles.cmake
# Writes a .cc with every file of DIR that ends so as a constant (see IptFiles.cmake).
file(${GLOB} files ${DIR}/*${SUFFIX})
list(SORT files)
if(NOT files)
  message(FATAL_ERROR "${DIR}: no files that end in ${SUFFIX}")
endif()
set(entries "")
foreach(file ${files})
  file(RELATIVE_PATH name ${DIR} ${file})
  file(READ ${file} text)
  string(FIND "${text}" ")embedded\"" at)
  if(NOT at EQUAL -1)
    message(FATAL_ERROR "${file}: must not hold the characters )embedded\"")
  endif()
  string(APPEND entries "    {\"${name}\", R\"embedded(${text})embedded\"},\n")
endforeach()

file(WRITE ${OUT} "// Made by tools/cmake/EmbedFiles.cmake from ${DIR}.
#include \"${HEADER}\"

namespace ${NAMESPACE} {
namespace {

constexpr EmbeddedFile kFiles[] = {
${entries}};

}  // namespace

absl::Span<const EmbeddedFile> ${FUNCTION}() { return kFiles; }

}  // namespace ${NAMESPACE}
")
