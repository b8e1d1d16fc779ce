// Every family that this version computes, by model_type. An explicit list: linkers drop objects
// that register themselves.
#include "model/families/list.h"

namespace rg::model {

Model bind_afmoe(const formats::Checkpoint& checkpoint);
Model bind_bailing_hybrid(const formats::Checkpoint& checkpoint);
Model bind_deepseek_v2(const formats::Checkpoint& checkpoint);
Model bind_deepseek_v3(const formats::Checkpoint& checkpoint);
Model bind_deepseek_v32(const formats::Checkpoint& checkpoint);
Model bind_dots1(const formats::Checkpoint& checkpoint);
Model bind_ernie4_5_moe(const formats::Checkpoint& checkpoint);
Model bind_exaone_moe(const formats::Checkpoint& checkpoint);
Model bind_flex_olmo(const formats::Checkpoint& checkpoint);
Model bind_gemma4(const formats::Checkpoint& checkpoint);
Model bind_glm4_moe(const formats::Checkpoint& checkpoint);
Model bind_glm4_moe_lite(const formats::Checkpoint& checkpoint);
Model bind_glm4v_moe(const formats::Checkpoint& checkpoint);
Model bind_glm_moe_dsa(const formats::Checkpoint& checkpoint);
Model bind_gpt_oss(const formats::Checkpoint& checkpoint);
Model bind_granitemoe(const formats::Checkpoint& checkpoint);
Model bind_granitemoehybrid(const formats::Checkpoint& checkpoint);
Model bind_granitemoeshared(const formats::Checkpoint& checkpoint);
Model bind_hunyuan_v1_moe(const formats::Checkpoint& checkpoint);
Model bind_hy_v3(const formats::Checkpoint& checkpoint);
Model bind_kimi_linear(const formats::Checkpoint& checkpoint);
Model bind_mellum(const formats::Checkpoint& checkpoint);
Model bind_mimo_v2_flash(const formats::Checkpoint& checkpoint);
Model bind_minimax_m2(const formats::Checkpoint& checkpoint);
Model bind_mixtral(const formats::Checkpoint& checkpoint);
Model bind_nemotron_h(const formats::Checkpoint& checkpoint);
Model bind_olmoe(const formats::Checkpoint& checkpoint);
Model bind_qwen2_moe(const formats::Checkpoint& checkpoint);
Model bind_qwen3_moe(const formats::Checkpoint& checkpoint);
Model bind_qwen3_vl_moe(const formats::Checkpoint& checkpoint);
Model bind_sarvam_mla(const formats::Checkpoint& checkpoint);
Model bind_sarvam_moe(const formats::Checkpoint& checkpoint);
Model bind_solar_open(const formats::Checkpoint& checkpoint);
Model bind_lfm2_moe(const formats::Checkpoint& checkpoint);
Model bind_phimoe(const formats::Checkpoint& checkpoint);
Model bind_qwen3_5_moe(const formats::Checkpoint& checkpoint);
Model bind_qwen3_next(const formats::Checkpoint& checkpoint);

std::span<const Family> all_families() {
  static constexpr Family kFamilies[] = {
      {"afmoe", bind_afmoe},
      {"bailing_hybrid", bind_bailing_hybrid},
      {"deepseek_v2", bind_deepseek_v2},
      {"deepseek_v3", bind_deepseek_v3},
      {"deepseek_v32", bind_deepseek_v32},
      {"dots1", bind_dots1},
      {"ernie4_5_moe", bind_ernie4_5_moe},
      {"exaone_moe", bind_exaone_moe},
      {"flex_olmo", bind_flex_olmo},
      {"gemma4", bind_gemma4},
      {"gemma4_text", bind_gemma4},
      {"glm4_moe", bind_glm4_moe},
      {"glm4_moe_lite", bind_glm4_moe_lite},
      {"glm4v_moe", bind_glm4v_moe},
      {"glm4v_moe_text", bind_glm4v_moe},
      {"glm_moe_dsa", bind_glm_moe_dsa},
      {"gpt_oss", bind_gpt_oss},
      {"granitemoe", bind_granitemoe},
      {"granitemoehybrid", bind_granitemoehybrid},
      {"granitemoeshared", bind_granitemoeshared},
      {"hunyuan_v1_moe", bind_hunyuan_v1_moe},
      {"hy_v3", bind_hy_v3},
      {"kimi_k2", bind_deepseek_v3},
      {"kimi_k25", bind_deepseek_v3},
      {"kimi_linear", bind_kimi_linear},
      {"lfm2_moe", bind_lfm2_moe},
      {"mellum", bind_mellum},
      {"mimo_v2_flash", bind_mimo_v2_flash},
      {"minimax_m2", bind_minimax_m2},
      {"mixtral", bind_mixtral},
      {"nemotron_h", bind_nemotron_h},
      {"olmoe", bind_olmoe},
      {"phimoe", bind_phimoe},
      {"qwen2_moe", bind_qwen2_moe},
      {"qwen3_moe", bind_qwen3_moe},
      {"qwen3_5_moe", bind_qwen3_5_moe},
      {"qwen3_5_moe_text", bind_qwen3_5_moe},
      {"qwen3_next", bind_qwen3_next},
      {"qwen3_vl_moe", bind_qwen3_vl_moe},
      {"qwen3_vl_moe_text", bind_qwen3_vl_moe},
      {"sarvam_mla", bind_sarvam_mla},
      {"sarvam_moe", bind_sarvam_moe},
      {"solar_open", bind_solar_open},
  };
  return kFamilies;
}

std::span<const FamilyNotComputed> families_not_computed() {
  static constexpr FamilyNotComputed kFamilies[] = {
      {"cohere2_moe", "attention and experts side by side, reading one norm"},
      {"deepseek_v4", "expert ids from a table by token id, compressed keys, several streams"},
      {"jamba", "Mamba-1"},
      {"llama4", "experts that read a weighted input"},
      {"longcat_flash", "layers of two attentions, experts that return their input"},
      {"minimax", "lightning attention"},
      {"minimax_m3_vl", "attention to blocks of keys that an index chooses"},
      {"zaya", "a router with a state from layer to layer"},
  };
  return kFamilies;
}

}  // namespace rg::model
