# The catalogue's files: the shipped ones are sound, and every rule refuses a planted fault.
find_program(RG_SYSTEM_PYTHON python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
add_test(NAME theorems.catalogue
         COMMAND ${RG_SYSTEM_PYTHON} ${CMAKE_CURRENT_LIST_DIR}/test_catalogue.py
                 ${PROJECT_SOURCE_DIR})
