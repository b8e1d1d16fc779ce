# Tests that are not GoogleTest programs: checks of the sources, and the program end to end.
# Python's standard library is enough; python3-jsonschema checks artifacts against schema/.
set(RG_PYTHON /usr/bin/python3)

function(rg_python_test name file)
  add_test(NAME ${name} COMMAND ${RG_PYTHON} ${file} -v)
  set_tests_properties(${name} PROPERTIES
    ENVIRONMENT "ROUTEGAUGE=$<TARGET_FILE:routegauge>;PYTHONDONTWRITEBYTECODE=1"
    TIMEOUT 600)
endfunction()

rg_python_test(architecture.arrows ${CMAKE_CURRENT_SOURCE_DIR}/architecture/test_arrows.py)
rg_python_test(architecture.errors ${CMAKE_CURRENT_SOURCE_DIR}/architecture/test_errors.py)
rg_python_test(architecture.embed ${CMAKE_CURRENT_SOURCE_DIR}/architecture/test_embed.py)
rg_python_test(recipes.corpora ${CMAKE_CURRENT_SOURCE_DIR}/recipes/test_corpora.py)
rg_python_test(recipes.differential ${CMAKE_CURRENT_SOURCE_DIR}/recipes/test_differential.py)
rg_python_test(recipes.tuning ${CMAKE_CURRENT_SOURCE_DIR}/recipes/test_tuning.py)
rg_python_test(recipes.family ${CMAKE_CURRENT_SOURCE_DIR}/recipes/test_family.py)

file(GLOB program_tests CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/program/test_*.py")
foreach(file ${program_tests})
  get_filename_component(name ${file} NAME_WE)
  string(REPLACE "test_" "program." name ${name})
  rg_python_test(${name} ${file})
  # The program uses two threads, but a test mostly starts it, waits for it and reads what it wrote: two
  # tests at once take less time than one after the other.
endforeach()
# The longest are begun first: in a fresh clone ctest doesn't know which they are.
foreach(name faults intervention suite families agree import_false_alarms audit theorems run determinism full_disk)
  set_tests_properties(program.${name} PROPERTIES COST 100)
endforeach()
