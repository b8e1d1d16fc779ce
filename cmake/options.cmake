# Build options, compiler flags and hardening, in one place.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")

option(RG_BUILD_TESTS "Build the tests" ON)
option(RG_BUILD_BENCH "Build the benchmarks" OFF)
option(RG_BUILD_FUZZERS "Build the libFuzzer targets (clang)" OFF)
option(RG_PARSERS_ONLY "Only what reads untrusted files: base, tensor, text, formats, verify, parts of kernels, gate and model" OFF)
option(RG_UNITY "Compile the files of a floor in batches: half the time, but each change costs a batch" ON)
option(RG_WERROR "Treat warnings as errors" ON)
set(RG_SANITIZE "" CACHE STRING "Sanitizers for -fsanitize=, empty for none")

if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
if(NOT CMAKE_CXX_COMPILER_LAUNCHER)
  find_program(RG_CCACHE ccache)
  if(RG_CCACHE)
    set(CMAKE_CXX_COMPILER_LAUNCHER "${RG_CCACHE}")
  endif()
endif()

# -O2 and no fast-math: a result is a promise. Contraction off: a*b+c means two roundings
# wherever the code doesn't say fma.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g")
if(RG_SANITIZE)
  set(CMAKE_CXX_FLAGS_DEBUG "-O1 -g1")  # lines are enough for a report
endif()
add_compile_options(-ffp-contract=off -fno-strict-aliasing -fno-delete-null-pointer-checks)
add_compile_options(-Wall -Wextra -Wconversion -Wsign-conversion -Wshadow -Wformat=2
                    -Werror=format-security -Wimplicit-fallthrough)
if(RG_WERROR)
  add_compile_options(-Werror)
endif()
if(RG_SANITIZE)
  add_compile_options(-fsanitize=${RG_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${RG_SANITIZE})
  add_compile_definitions(_GLIBCXX_ASSERTIONS)
else()
  add_compile_options(-fstack-protector-strong -fstack-clash-protection -fcf-protection=full
                      $<$<CXX_COMPILER_ID:GNU>:-ftrivial-auto-var-init=zero>)
  add_compile_definitions($<$<CONFIG:Release>:_FORTIFY_SOURCE=2> _GLIBCXX_ASSERTIONS)
endif()
if(RG_BUILD_FUZZERS)
  add_compile_options(-fsanitize=fuzzer-no-link)  # coverage of the libraries steers the fuzzer
endif()
add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack,--as-needed)
