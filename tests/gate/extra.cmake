# The gate as a filter of JSON lines, for programs that compare it with other implementations.
add_executable(gate_filter ${CMAKE_CURRENT_LIST_DIR}/driver/gate_filter.cc)
target_link_libraries(gate_filter PRIVATE rg_gate)
find_program(RG_SYSTEM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
add_test(NAME gate.filter
         COMMAND ${RG_SYSTEM_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/filter_test.py
                 $<TARGET_FILE:gate_filter>)
