# A plug-in shows alfamix_cuda_plugin and nothing else.
execute_process(COMMAND ${NM} -D --defined-only ${PLUGIN} RESULT_VARIABLE RC OUTPUT_VARIABLE FOUND)
if(NOT RC EQUAL 0 OR NOT FOUND MATCHES "^[0-9a-f]+ T alfamix_cuda_plugin\n$")
  message(FATAL_ERROR "expected the one symbol alfamix_cuda_plugin, got:\n${FOUND}")
endif()
