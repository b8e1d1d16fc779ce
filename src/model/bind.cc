#include <fmt/format.h>

#include "base/error.h"
#include "model/config_reader.h"
#include "model/families/list.h"
#include "model/model.h"
#include "model/unsupported.h"

namespace rg::model {

Model bind_model(const formats::Checkpoint& checkpoint) {
  std::vector<Origin> ignored;
  ConfigReader reader(checkpoint.config(), "", ignored);
  const std::string type = reader.text("model_type", "family");
  std::string known;
  for (const Family& family : all_families()) {
    if (family.model_type == type) {
      Model model = family.bind(checkpoint);
      refuse_unsupported(model);
      return model;
    }
    known += (known.empty() ? "" : ", ") + std::string(family.model_type);
  }
  for (const FamilyNotComputed& family : families_not_computed()) {
    if (family.model_type != type) continue;
    throw Error(ErrorId::CF019, {.file = "config.json",
                                 .object = "model_type",
                                 .found = fmt::format("\"{}\": {}", type, family.missing),
                                 .expected = "a family that is computed: " + known,
                                 .hint = "No block computes this. Measure another checkpoint."});
  }
  throw Error(ErrorId::CF001,
              {.file = "config.json",
               .object = "model_type",
               .found = fmt::format("no gate profile for \"{}\"", escape_for_terminal(type)),
               .expected = "a known family: " + known,
               .hint = "No gate is assumed for an unknown family."});
}

std::vector<std::string_view> known_families() {
  std::vector<std::string_view> types;
  for (const Family& family : all_families()) types.push_back(family.model_type);
  return types;
}

void require_unembedding(const Model& model) {
  if (model.unembedding) return;
  throw Error(ErrorId::ST023,
              {.file = "config.json",
               .object = "lm_head.weight",
               .found = "no such tensor, and tie_word_embeddings false",
               .expected = "the head, which logits and chart_compatibility need",
               .hint = "Fetch the checkpoint again, or add the head that was left out when it was "
                       "converted. If the model was trained with its embedding as head, "
                       "tie_word_embeddings must be true."});
}

}  // namespace rg::model
