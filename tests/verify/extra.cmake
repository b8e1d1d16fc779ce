if(RG_PARSERS_ONLY)
  return()  # sweeps of half an hour under sanitizers; the release build runs them, fuzz/ reads hostile artifacts
endif()
# The C++ verifier against a second one in plain Python, on mutated artifacts.
add_executable(judge_many ${CMAKE_CURRENT_LIST_DIR}/driver/judge_many.cc)
target_link_libraries(judge_many PRIVATE rg_made_artifacts)
find_program(RG_SYSTEM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
add_test(NAME verify.second_implementation
         COMMAND ${RG_SYSTEM_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/second_implementation_test.py
                 $<TARGET_FILE:judge_many>)
set_tests_properties(verify.second_implementation PROPERTIES TIMEOUT 1800 PROCESSORS 2 COST 1000)

# schema/*.json against artifacts and verdicts.
add_test(NAME verify.schemas
         COMMAND ${RG_SYSTEM_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/schema_test.py
                 $<TARGET_FILE:judge_many> ${PROJECT_SOURCE_DIR}/schema)

# The page on the verifier says what it does, and its code does what it says.
add_test(NAME verify.documentation
         COMMAND ${RG_SYSTEM_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/documentation_test.py
                 $<TARGET_FILE:judge_many> ${PROJECT_SOURCE_DIR})
