# Language, warnings, sanitizers and the compiler cache: the same for every target.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Debug CACHE STRING "" FORCE)
endif()
# Assertions guard our own invariants and stay on in every build type.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

find_program(CCACHE ccache)
if(CCACHE)
  # Precompiled headers need these two relaxations to be cacheable at all.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime ${CCACHE})
endif()

add_library(choregos_options INTERFACE)
target_compile_options(choregos_options INTERFACE -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wold-style-cast
  -Woverloaded-virtual -Wconversion -Wno-sign-conversion -fno-strict-aliasing)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ 12 reports these inside the standard library at -O2 where nothing is wrong.
  target_compile_options(choregos_options INTERFACE -Wno-restrict -Wno-stringop-overflow $<$<CONFIG:Release>:-Wno-stringop-overread> -Wno-array-bounds -Wno-maybe-uninitialized -fpch-preprocess)
endif()
target_include_directories(choregos_options INTERFACE $<BUILD_INTERFACE:${CMAKE_SOURCE_DIR}>)

if(CHOREGOS_SANITIZE)
  add_compile_options(-fsanitize=${CHOREGOS_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${CHOREGOS_SANITIZE})
endif()
