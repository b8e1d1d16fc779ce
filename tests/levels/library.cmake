# Simulated artifacts and their nulls: for the quick tests here, and for `make stats`.
if(NOT TARGET rg_levels)
  set(levels "${PROJECT_SOURCE_DIR}/tests/levels")
  set(artifacts "${PROJECT_SOURCE_DIR}/tests/verify")
  add_library(rg_levels STATIC ${levels}/blank.cc ${levels}/found.cc ${levels}/nulls.cc
              ${levels}/power.cc ${levels}/simulated_edge.cc ${levels}/simulated_model.cc
              ${levels}/simulated_family.cc ${artifacts}/artifacts.cc ${artifacts}/edge_artifacts.cc
              ${artifacts}/family_artifacts.cc
              ${artifacts}/audit_artifacts.cc ${artifacts}/intervention_artifacts.cc)
  if(RG_UNITY)
    set_target_properties(rg_levels PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 5)
  endif()
  target_include_directories(rg_levels PUBLIC "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(rg_levels PUBLIC rg_verify rg_stats)
endif()
