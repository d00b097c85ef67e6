# Installs a client that others wrote into the build folder and plays its talks with a fake. Any failure is a
# failure of the test: there is no skipping.
#   SOURCE: the client's folder, with package.json, package-lock.json and one *.test.mjs   BUILD: where it is installed
#   FAKE: the fake's program, told to the talks by the variable named FAKE_VARIABLE
if(NOT NODE OR NOT NPM)
  message(FATAL_ERROR "node and npm are needed: apt-get install nodejs npm")
endif()
# Node has its own list of authorities; behind a company's proxy only the machine's knows whom to trust.
set(authorities /etc/ssl/certs/ca-certificates.crt)
if(NOT DEFINED ENV{NODE_EXTRA_CA_CERTS} AND EXISTS ${authorities})
  set(ENV{NODE_EXTRA_CA_CERTS} ${authorities})
endif()
file(MAKE_DIRECTORY ${BUILD})
file(GLOB files ${SOURCE}/* ${SOURCE}/../fake.mjs)
file(COPY ${files} DESTINATION ${BUILD})
file(SHA256 ${BUILD}/package-lock.json wanted)
set(installed "")
if(EXISTS ${BUILD}/installed)
  file(READ ${BUILD}/installed installed)
endif()
if(NOT installed STREQUAL wanted)
  execute_process(COMMAND ${NPM} ci --no-audit --no-fund WORKING_DIRECTORY ${BUILD}
    RESULT_VARIABLE result)
  if(NOT result EQUAL 0)
    message(FATAL_ERROR "npm ci failed: ${result}")
  endif()
  file(WRITE ${BUILD}/installed ${wanted})
endif()
file(GLOB tests ${BUILD}/*.test.mjs)
execute_process(COMMAND ${CMAKE_COMMAND} -E env ${FAKE_VARIABLE}=${FAKE} ${NODE} --test ${tests}
  WORKING_DIRECTORY ${BUILD} RESULT_VARIABLE result)
if(NOT result EQUAL 0)
  message(FATAL_ERROR "the client and the fake disagree: ${result}")
endif()
