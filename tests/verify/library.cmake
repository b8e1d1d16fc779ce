# The makers of synthetic artifacts, compiled once: for the tests of the verifier, for judge_many and for levels/.
if(NOT TARGET rg_made_artifacts)
  set(made "${PROJECT_SOURCE_DIR}/tests/verify")
  add_library(rg_made_artifacts STATIC ${made}/artifacts.cc ${made}/edge_artifacts.cc
              ${made}/family_artifacts.cc ${made}/audit_artifacts.cc ${made}/intervention_artifacts.cc
              ${made}/kv_gauge_artifacts.cc ${made}/kv_distortion_artifacts.cc
              ${made}/theorem_slack_artifacts.cc ${made}/key_only_router_artifacts.cc)
  if(RG_UNITY)
    set_target_properties(rg_made_artifacts PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 12)
  endif()
  target_include_directories(rg_made_artifacts PUBLIC "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(rg_made_artifacts PUBLIC rg_verify)
endif()
