# SPDX-License-Identifier: LGPL-2.1-or-later
# The few shapes that targets come in.

# liveedit_core_module(NAME [TORCH] SOURCES ... [DEPENDS ...]): one room of core/, as a static library liveedit_NAME.
# TORCH: its sources include ATen and share one precompiled header.
function(liveedit_core_module name)
  cmake_parse_arguments(ARG "TORCH" "" "SOURCES;DEPENDS" ${ARGN})
  add_library(liveedit_${name} STATIC ${ARG_SOURCES})
  target_include_directories(liveedit_${name} PUBLIC ${CMAKE_SOURCE_DIR})
  target_link_libraries(liveedit_${name} PUBLIC ${ARG_DEPENDS})
  if(ARG_TORCH)
    target_link_libraries(liveedit_${name} PUBLIC liveedit_torch)
    target_precompile_headers(liveedit_${name} REUSE_FROM liveedit_torch_pch)
  endif()
endfunction()

# liveedit_test(NAME [TORCH] SOURCES ... [LINKS ...] [LABELS ...] [ENVIRONMENT ...] [TIMEOUT s]): a GoogleTest program, run by CTest as a whole.
function(liveedit_test name)
  cmake_parse_arguments(ARG "TORCH" "TIMEOUT" "SOURCES;LINKS;LABELS;ENVIRONMENT" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 300)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_include_directories(${name} PRIVATE ${CMAKE_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${ARG_LINKS} GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE LIVEEDIT_SOURCE_DIR="${CMAKE_SOURCE_DIR}" LIVEEDIT_BUILD_DIR="${CMAKE_BINARY_DIR}")
  if(ARG_TORCH)
    target_link_libraries(${name} PRIVATE liveedit_torch)
    # The precompiled header was made with -fPIC; a program's own -fPIE would reject it.
    set_target_properties(${name} PROPERTIES POSITION_INDEPENDENT_CODE OFF)
    target_compile_options(${name} PRIVATE -fPIC)
    target_precompile_headers(${name} REUSE_FROM liveedit_torch_pch)
  endif()
  add_test(NAME ${name} COMMAND ${name})
  # Tests run side by side: OpenMP threads that spin while they wait would take each other's cores.
  set_tests_properties(${name} PROPERTIES LABELS "${ARG_LABELS}" TIMEOUT ${ARG_TIMEOUT}
    ENVIRONMENT "LIVEEDIT_TEST_DATA=${LIVEEDIT_TEST_DATA};G_DEBUG=fatal-criticals;OMP_WAIT_POLICY=passive;${ARG_ENVIRONMENT}")
endfunction()

# The Python that tests run: the one of scripts/setup, which has the reference implementations.
# Looked for at every configure: a folder may be configured before scripts/setup has run.
set(LIVEEDIT_PYTHON ${CMAKE_SOURCE_DIR}/.venv/bin/python)
if(NOT EXISTS ${LIVEEDIT_PYTHON})
  set(LIVEEDIT_PYTHON python3)
endif()

# liveedit_golden(NAME SCRIPT): a CTest fixture that runs tests/golden/SCRIPT, which writes its files into the folder given as its only
# argument: <build>/golden/NAME. Tests that read them get them with set_property(TEST ... PROPERTY FIXTURES_REQUIRED golden_NAME).
# The scripts need PyPI's diffusers, transformers and safetensors, which scripts/setup puts beside torch.
function(liveedit_golden name script)
  add_test(NAME golden_${name} COMMAND ${LIVEEDIT_PYTHON} ${CMAKE_SOURCE_DIR}/tests/golden/${script} ${CMAKE_BINARY_DIR}/golden/${name})
  set_tests_properties(golden_${name} PROPERTIES FIXTURES_SETUP golden_${name} LABELS golden TIMEOUT 600
    ENVIRONMENT "OMP_NUM_THREADS=1")
endfunction()
