# How prepatch's own targets are declared.

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
endif()

# prepatch_add_library(Name SOURCES a.cpp b.cpp [LINK ISA IR ...] [EXTERNAL lib...])
# A layer: static library PrepatchName. LINK names the layers it may use (by
# their short names), so that the order of the layers is enforced by the linker.
function(prepatch_add_library name)
  cmake_parse_arguments(ARG "NO_LLVM" "" "SOURCES;LINK;EXTERNAL" ${ARGN})
  add_library(Prepatch${name} STATIC ${ARG_SOURCES})
  set_target_properties(Prepatch${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  list(TRANSFORM ARG_LINK PREPEND Prepatch)
  target_link_libraries(Prepatch${name} PUBLIC ${ARG_LINK} ${ARG_EXTERNAL})
  if(NOT ARG_NO_LLVM)
    target_compile_options(Prepatch${name} PRIVATE -fno-exceptions -fno-rtti)
    target_link_libraries(Prepatch${name} PUBLIC LLVM)
  endif()
endfunction()

# prepatch_add_tool(name SOURCES main.cpp ... [LINK Lowering ...])
function(prepatch_add_tool name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;EXTERNAL" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  list(TRANSFORM ARG_LINK PREPEND Prepatch)
  target_compile_options(${name} PRIVATE -fno-exceptions -fno-rtti)
  target_link_libraries(${name} PRIVATE ${ARG_LINK} ${ARG_EXTERNAL} LLVM)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
  install(TARGETS ${name} RUNTIME DESTINATION bin)
endfunction()

# prepatch_add_unittest(Name SOURCES aTest.cpp ... [LINK IR ...])
# GoogleTest binary <build>/test/unit/NameTests, found and run by lit.
function(prepatch_add_unittest name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINK;EXTERNAL" ${ARGN})
  add_executable(${name}Tests EXCLUDE_FROM_ALL ${ARG_SOURCES})
  list(TRANSFORM ARG_LINK PREPEND Prepatch)
  # g++ 12 warns of "text" + std::string (its bug 105651).
  target_compile_options(${name}Tests PRIVATE -fno-rtti
    $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
  target_link_libraries(${name}Tests PRIVATE ${ARG_LINK} ${ARG_EXTERNAL} LLVM GTest::gtest_main)
  set_target_properties(${name}Tests PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/test/unit)
  set_property(GLOBAL APPEND PROPERTY PREPATCH_UNITTESTS ${name}Tests)
endfunction()
