# Simulated artifacts and their nulls: for the quick tests here, and for `make stats`.
if(NOT TARGET rg_levels)
  set(levels "${PROJECT_SOURCE_DIR}/tests/levels")
  include("${PROJECT_SOURCE_DIR}/tests/verify/library.cmake")
  add_library(rg_levels STATIC ${levels}/blank.cc ${levels}/found.cc ${levels}/nulls.cc
              ${levels}/power.cc ${levels}/simulated_edge.cc ${levels}/simulated_model.cc
              ${levels}/simulated_family.cc)
  if(RG_UNITY)
    set_target_properties(rg_levels PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
  target_link_libraries(rg_levels PUBLIC rg_made_artifacts rg_stats)
endif()
