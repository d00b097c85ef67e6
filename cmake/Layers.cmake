# A layer is a folder that becomes the library sufler_NAME. It sees its own headers and those of
# the layers named after USES, because each layer has an include root of its own that holds nothing
# but a link to its folder: an include against the arrows of the architecture does not build.
function(sufler_layer name)
  cmake_parse_arguments(ARG "" "FOLDER" "USES;EXCLUDE" ${ARGN})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS
    ${CMAKE_SOURCE_DIR}/${ARG_FOLDER}/*.cpp ${CMAKE_SOURCE_DIR}/${ARG_FOLDER}/*.h)
  foreach(excluded ${ARG_EXCLUDE})
    list(REMOVE_ITEM sources ${CMAKE_SOURCE_DIR}/${excluded})
  endforeach()
  add_library(sufler_${name} STATIC ${sources})

  set(root ${CMAKE_BINARY_DIR}/layers/${name})
  get_filename_component(parent ${ARG_FOLDER} DIRECTORY)
  file(MAKE_DIRECTORY ${root}/${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${ARG_FOLDER} ${root}/${ARG_FOLDER} SYMBOLIC)
  target_include_directories(sufler_${name} PUBLIC ${root})
  foreach(used ${ARG_USES})
    target_link_libraries(sufler_${name} PUBLIC sufler_${used})
  endforeach()
  set_target_properties(sufler_${name} PROPERTIES LINKER_LANGUAGE CXX)
  sufler_own_code(sufler_${name})
endfunction()

# Warnings are for our code only.
function(sufler_own_code target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic -Wconversion)
  # g++ 12 sees overlapping copies in any `"text" + string` once it optimises (GCC bug 105651).
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    target_compile_options(${target} PRIVATE -Wno-restrict)
    # A sanitizer's own code hides from it that a variant is always built (GCC bug 105562).
    if(SUFLER_SANITIZE)
      target_compile_options(${target} PRIVATE -Wno-maybe-uninitialized)
    endif()
  endif()
endfunction()
