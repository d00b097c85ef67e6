# sufler_fake(NAME CLIENT client SOURCES … PROGRAM …): a platform of our own as a library, sufler_fake_NAME, and as a program,
# fake_NAME, with its tests (*_test.cpp of the folder), and proven by a client that others wrote: that fails, rather than
# being skipped, when npm cannot install.
function(sufler_fake name)
  cmake_parse_arguments(ARG "" "CLIENT" "SOURCES;PROGRAM" ${ARGN})
  add_library(sufler_fake_${name} STATIC ${ARG_SOURCES})
  target_link_libraries(sufler_fake_${name} PRIVATE nlohmann_json::nlohmann_json PUBLIC sufler_fakes_common)
  sufler_own_code(sufler_fake_${name})

  add_executable(fake_${name} ${ARG_PROGRAM})
  target_link_libraries(fake_${name} PRIVATE sufler_fake_${name} nlohmann_json::nlohmann_json)
  sufler_own_code(fake_${name})

  file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/*_test.cpp
    ${CMAKE_CURRENT_SOURCE_DIR}/test_*.h)
  add_executable(fake_${name}_tests ${sources})
  target_link_libraries(fake_${name}_tests PRIVATE sufler_fake_${name} nlohmann_json::nlohmann_json
    GTest::gmock GTest::gtest_main)
  sufler_own_code(fake_${name}_tests)
  gtest_discover_tests(fake_${name}_tests DISCOVERY_TIMEOUT 60)

  if(ARG_CLIENT)
    string(TOUPPER FAKE_${name} variable)
    sufler_client(${ARG_CLIENT} FAKE fake_${name} VARIABLE ${variable})
  endif()
endfunction()
