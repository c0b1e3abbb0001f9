# One function per kind of target. A target is a folder (or a file of it); DEPS is the whole truth of what it
# may include: `jangbu_library(ledger SRCS ... DEPS jangbu::base)`.

# A static library jangbu_NAME, alias jangbu::NAME.
function(jangbu_library NAME)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS;PRIVATE_DEPS" ${ARGN})
  add_library(jangbu_${NAME} STATIC ${ARG_SRCS})
  add_library(jangbu::${NAME} ALIAS jangbu_${NAME})
  target_link_libraries(jangbu_${NAME} PUBLIC ${ARG_DEPS} PRIVATE ${ARG_PRIVATE_DEPS} jangbu_options)
  target_include_directories(jangbu_${NAME} PUBLIC ${PROJECT_SOURCE_DIR})
endfunction()

option(JANGBU_UNITY "compile several sources of the larger libraries as one" ON)

# Compiles PER sources of the library NAME as one, in the order of its list: headers are most of what there is to
# compile. Two sources of a group that have a name in common stand in different groups of the list.
function(jangbu_unite NAME PER)
  if(JANGBU_UNITY)
    set_target_properties(jangbu_${NAME} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE ${PER})
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      # What a class behind a pointer holds may be local to its source; g++ takes the source for a header.
      target_compile_options(jangbu_${NAME} PRIVATE -Wno-subobject-linkage)
    endif()
  endif()
endfunction()

# An executable called NAME.
function(jangbu_binary NAME)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${NAME} ${ARG_SRCS})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} jangbu_options)
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
endfunction()

# A GoogleTest binary NAME, one ctest entry. LABELS e2e, slow are run after the others. What is tested keeps -O2;
# the tests' own code gets -O1, which compiles a third faster.
function(jangbu_test NAME)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SRCS;DEPS;LABELS" ${ARGN})
  add_executable(${NAME} ${ARG_SRCS})
  # At -O1 g++ 12 sees uninitialized members in the array behind an initializer list.
  target_compile_options(${NAME} PRIVATE -O1 -Wno-maybe-uninitialized)
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} jangbu_options GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${NAME} PRIVATE JANGBU_SOURCE_DIR="${PROJECT_SOURCE_DIR}"
    JANGBU_BINARY_DIR="${PROJECT_BINARY_DIR}")
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/tests)
  add_test(NAME ${NAME} COMMAND ${NAME})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  set_tests_properties(${NAME} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()

# A fuzz target: SRC defines LLVMFuzzerTestOneInput. Under g++ a plain main replays CORPUS as a test, so the
# target never rots; with -DJANGBU_FUZZ=ON and clang++ it is a libFuzzer binary.
function(jangbu_fuzz NAME)
  cmake_parse_arguments(ARG "" "SRC;CORPUS" "DEPS" ${ARGN})
  if(JANGBU_FUZZ)
    add_executable(${NAME} ${ARG_SRC})
    target_link_options(${NAME} PRIVATE -fsanitize=fuzzer)
  else()
    add_executable(${NAME} ${ARG_SRC} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.cc)
    add_test(NAME ${NAME} COMMAND ${NAME} ${ARG_CORPUS})
    set_tests_properties(${NAME} PROPERTIES LABELS fuzz TIMEOUT 300)
  endif()
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} jangbu_options)
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/fuzz)
endfunction()

# A Google Benchmark binary NAME (its main compares answers before it times).
function(jangbu_bench NAME)
  cmake_parse_arguments(ARG "" "" "SRCS;DEPS" ${ARGN})
  add_executable(${NAME} ${ARG_SRCS})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} jangbu_options benchmark::benchmark)
  set_target_properties(${NAME} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bench)
endfunction()
