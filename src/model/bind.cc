#include <fmt/format.h>

#include <array>

#include "base/error.h"
#include "model/config_reader.h"
#include "model/families/olmoe.h"
#include "model/model.h"

namespace rg::model {
namespace {

struct Family {
  std::string_view model_type;
  Model (*bind)(const formats::Checkpoint&);
};

// One line each; explicit, since linkers drop what registers itself.
constexpr std::array kFamilies = {
    Family{"olmoe", bind_olmoe},
};

}  // namespace

Model bind_model(const formats::Checkpoint& checkpoint) {
  std::vector<Origin> ignored;
  ConfigReader reader(checkpoint.config(), "", ignored);
  const std::string type = reader.text("model_type", "family");
  std::string known;
  for (const Family& family : kFamilies) {
    if (family.model_type == type) return family.bind(checkpoint);
    known += (known.empty() ? "" : ", ") + std::string(family.model_type);
  }
  throw Error(ErrorId::CF001,
              {.file = "config.json",
               .object = "model_type",
               .found = fmt::format("no gate profile for \"{}\"", escape_for_terminal(type)),
               .expected = "a known family: " + known,
               .hint = "No gate is assumed for an unknown family."});
}

void require_positions(const Model& model, uint64_t seq_len) {
  if (seq_len <= model.positions) return;
  throw Error(ErrorId::CF017,
              {.file = "config.json",
               .object = "max_position_embeddings",
               .found = fmt::format("{} positions", model.positions),
               .expected = fmt::format("at least {} for --seq-len {}", seq_len, seq_len),
               .hint = "The model was not trained on longer windows; lower --seq-len."});
}

}  // namespace rg::model
