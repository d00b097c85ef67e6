# sufler_client(CLIENT FAKE target VARIABLE name): tests/clients/CLIENT plays with the fake of that target, whose program it
# is told by the environment variable.
find_program(NODE node)
find_program(NPM npm)
function(sufler_client name)
  cmake_parse_arguments(ARG "" "FAKE;VARIABLE" "" ${ARGN})
  add_test(NAME ${name}_against_${ARG_FAKE}
    COMMAND ${CMAKE_COMMAND} -DNODE=${NODE} -DNPM=${NPM} -DSOURCE=${CMAKE_SOURCE_DIR}/tests/clients/${name}
      -DBUILD=${CMAKE_BINARY_DIR}/clients/${name} -DFAKE=$<TARGET_FILE:${ARG_FAKE}>
      -DFAKE_VARIABLE=${ARG_VARIABLE} -P ${CMAKE_SOURCE_DIR}/tests/clients/run.cmake)
  set_tests_properties(${name}_against_${ARG_FAKE} PROPERTIES TIMEOUT 300)
endfunction()
