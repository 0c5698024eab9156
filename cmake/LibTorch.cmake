# SPDX-License-Identifier: LGPL-2.1-or-later
# Finds libtorch by its own folder, for a CPU and a CUDA build alike. Torch's own TorchConfig.cmake of a CUDA build wants every
# library of the CUDA toolkit, and sets nvcc's flags and architectures for the whole project; all that is needed here is
# where headers and libraries lie, which is the same in every wheel and archive.
#
# Looked for in Torch_DIR (the folder with TorchConfig.cmake), then CMAKE_PREFIX_PATH (CMake's and the environment's), then the
# .venv that scripts/setup makes. Sets, where it is found:
#   TORCH_INSTALL_PREFIX, TORCH_INCLUDE_DIRS, TORCH_LIBRARIES, TORCH_CXX_FLAGS, TORCH_DEFINITIONS, Torch_VERSION
#   TORCH_CUDA_LIBRARIES   its CUDA part; empty in a CPU build

function(liveedit_torch_prefix result)
  file(GLOB in_venv ${CMAKE_SOURCE_DIR}/.venv/lib/python3*/site-packages/torch)
  set(folders "")
  foreach(torch_dir ${Torch_DIR} $ENV{Torch_DIR})
    list(APPEND folders ${torch_dir}/../../..)
  endforeach()
  string(REPLACE ":" ";" from_environment "$ENV{CMAKE_PREFIX_PATH}")
  foreach(prefix ${CMAKE_PREFIX_PATH} ${from_environment})
    list(APPEND folders ${prefix} ${prefix}/../..)  # of an archive; torch.utils.cmake_prefix_path
  endforeach()
  foreach(folder ${folders} ${in_venv})
    if(EXISTS ${folder}/share/cmake/Torch/TorchConfig.cmake AND EXISTS ${folder}/include/ATen/ATen.h)
      file(REAL_PATH ${folder} folder)
      set(${result} ${folder} PARENT_SCOPE)
      return()
    endif()
  endforeach()
  message(FATAL_ERROR "libtorch was not found. Run scripts/setup (it puts it into .venv), or give -DTorch_DIR=<folder with TorchConfig.cmake>.")
endfunction()

function(liveedit_torch_version prefix result)
  set(version "")
  set(text "")
  foreach(header torch/headeronly/version.h torch/csrc/api/include/torch/version.h)
    if(EXISTS ${prefix}/include/${header})
      file(STRINGS ${prefix}/include/${header} lines REGEX "define TORCH_VERSION_(MAJOR|MINOR|PATCH) [0-9]+")
      list(APPEND text ${lines})
    endif()
  endforeach()
  foreach(part MAJOR MINOR PATCH)
    string(REGEX MATCH "TORCH_VERSION_${part} ([0-9]+)" ignored "${text}")
    list(APPEND version "${CMAKE_MATCH_1}")
  endforeach()
  list(JOIN version "." version)
  set(${result} ${version} PARENT_SCOPE)
endfunction()

liveedit_torch_prefix(TORCH_INSTALL_PREFIX)
liveedit_torch_version(${TORCH_INSTALL_PREFIX} Torch_VERSION)
message(STATUS "libtorch ${Torch_VERSION}: ${TORCH_INSTALL_PREFIX}")
if(Torch_VERSION VERSION_LESS 2.6)
  message(FATAL_ERROR "libtorch in ${TORCH_INSTALL_PREFIX} is ${Torch_VERSION}, and 2.6 or later is needed. Run scripts/setup, or give another with -DTorch_DIR=.")
endif()

set(TORCH_INCLUDE_DIRS ${TORCH_INSTALL_PREFIX}/include ${TORCH_INSTALL_PREFIX}/include/torch/csrc/api/include)
set(TORCH_LIBRARIES "")
set(TORCH_CUDA_LIBRARIES "")
foreach(library torch torch_cpu c10)
  list(APPEND TORCH_LIBRARIES ${TORCH_INSTALL_PREFIX}/lib/lib${library}.so)
endforeach()
if(EXISTS ${TORCH_INSTALL_PREFIX}/lib/libtorch_cuda.so)
  set(TORCH_CUDA_LIBRARIES ${TORCH_INSTALL_PREFIX}/lib/libtorch_cuda.so ${TORCH_INSTALL_PREFIX}/lib/libc10_cuda.so)
  list(APPEND TORCH_LIBRARIES ${TORCH_CUDA_LIBRARIES})
endif()

# How it was compiled, in its own words: the string type of libstdc++ (later builds all have the new one), and definitions.
file(READ ${TORCH_INSTALL_PREFIX}/share/cmake/Torch/TorchConfig.cmake config)
string(REGEX MATCH "-D_GLIBCXX_USE_CXX11_ABI=[01]" TORCH_CXX_FLAGS "${config}")
file(READ ${TORCH_INSTALL_PREFIX}/share/cmake/Caffe2/Caffe2Targets.cmake config)
string(REGEX MATCH "INTERFACE_COMPILE_DEFINITIONS \"([A-Z0-9_;]+)\"" ignored "${config}")
set(TORCH_DEFINITIONS ${CMAKE_MATCH_1})
