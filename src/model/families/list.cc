// Every family that this version computes, by model_type. An explicit list: linkers drop objects
// that register themselves.
#include "model/families/list.h"

namespace rg::model {

Model bind_deepseek_v2(const formats::Checkpoint& checkpoint);
Model bind_deepseek_v3(const formats::Checkpoint& checkpoint);
Model bind_mixtral(const formats::Checkpoint& checkpoint);
Model bind_olmoe(const formats::Checkpoint& checkpoint);
Model bind_qwen2_moe(const formats::Checkpoint& checkpoint);
Model bind_qwen3_moe(const formats::Checkpoint& checkpoint);

std::span<const Family> all_families() {
  static constexpr Family kFamilies[] = {
      {"deepseek_v2", bind_deepseek_v2},
      {"deepseek_v3", bind_deepseek_v3},
      {"kimi_k2", bind_deepseek_v3},
      {"mixtral", bind_mixtral},
      {"olmoe", bind_olmoe},
      {"qwen2_moe", bind_qwen2_moe},
      {"qwen3_moe", bind_qwen3_moe},
  };
  return kFamilies;
}

}  // namespace rg::model
