find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()
find_program(MOLD mold)
if(MOLD)
  add_link_options(-fuse-ld=mold)
endif()

if(SUFLER_SANITIZE)
  add_compile_options(-fsanitize=${SUFLER_SANITIZE} -fno-omit-frame-pointer
    -fno-sanitize-recover=all)
  # SOCI keeps the type information of its classes to itself, so a check of dynamic types cannot link.
  if(SUFLER_SANITIZE MATCHES "undefined")
    add_compile_options(-fno-sanitize=vptr)
  endif()
  add_link_options(-fsanitize=${SUFLER_SANITIZE})
endif()

# Coverage in all of our code is what leads libFuzzer; the engine itself is linked by tests/fuzz.
if(SUFLER_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
  add_link_options(-fsanitize=fuzzer-no-link)
endif()
