# rg_embed(TARGET NAME [FILES f...]): compiles the bytes of files into TARGET, as
# rg::embedded_NAME() (base/embedded.h). No files is allowed: the list is then empty. A file that
# changes is compiled anew; pass a list from file(GLOB ... CONFIGURE_DEPENDS) for files that come
# and go.
function(rg_embed target name)
  cmake_parse_arguments(ARG "" "" "FILES" ${ARGN})
  set(script "${PROJECT_SOURCE_DIR}/cmake/embed_files.cmake")
  set(output "${CMAKE_BINARY_DIR}/embedded/${name}.cc")
  list(JOIN ARG_FILES "|" files)  # a ; would end the argument
  add_custom_command(OUTPUT "${output}"
    COMMAND "${CMAKE_COMMAND}" "-DNAME=${name}" "-DOUTPUT=${output}" "-DFILES=${files}" -P "${script}"
    DEPENDS ${ARG_FILES} "${script}"
    COMMENT "Embedding ${name}" VERBATIM)
  target_sources(${target} PRIVATE "${output}")
endfunction()
