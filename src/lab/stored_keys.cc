#include "lab/stored_keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <memory>

#include "base/error.h"
#include "lab/stored_keys_file.h"

namespace rg::lab {
namespace {

using experiments::StoredKeyScales;

experiments::StoredRows rows_of(model::KeyStep step) {
  switch (step) {
    case model::KeyStep::normed:
      return experiments::StoredRows::normed;
    case model::KeyStep::scored:
      return experiments::StoredRows::scored;
    case model::KeyStep::latent:
      break;
  }
  return experiments::StoredRows::latent;
}

// Rows are written and read again in place.
void store(const keys::KeyScales& scales, const model::ChangedRows& rows, uint32_t positions) {
  if (rows.first == nullptr || rows.width == 0) return;
  for (uint32_t t = 0; t < positions; ++t) {
    const std::span<float> row = rows.at(t);
    const bool sound = std::all_of(row.begin(), row.end(), [](float value) {
      return std::abs(value) <= experiments::kLargestStored;
    });
    if (!sound) std::fill(row.begin(), row.end(), std::numeric_limits<float>::quiet_NaN());
  }
  keys::quantise(scales, rows.first, positions, rows.stride);
}

class StoredKeyChange : public model::KeyChange {
 public:
  StoredKeyChange(const StoredKeys& stored, const model::Model& model) : stored_(stored) {
    if (stored.fit) return;
    for (const int layer : stored.layers) {
      const model::KeyFacts facts = *model::key_facts(model.layer(layer).mixer);
      const bool latent = stored.step == model::KeyStep::latent;
      own_[layer] = {.keys = of_rows(latent ? facts.latent : facts.width),
                     .values = of_rows(latent ? facts.shared_width : facts.value_width)};
    }
  }

  // What fits the scales of one domain, whose rows begin at `first_row` of the pass.
  tap::Observer& watch(const experiments::Setting& setting, uint64_t first_row) {
    domains_.push_back({.end = first_row + setting.windows->rows(),
                        .scales = std::make_unique<StoredKeyScales>(
                            setting, stored_.spec, *stored_.fit, rows_of(stored_.step),
                            stored_.values, stored_.layers)});
    return *domains_.back().scales;
  }

  void change(const model::ChangedHead& head) noexcept override {
    const StoredKeyScales::Head& scales = scales_of(head);
    const bool latent = head.step == model::KeyStep::latent;
    store(scales.keys, latent ? head.latent : head.keys, head.positions);
    if (!stored_.values) return;
    store(scales.values, latent ? head.shared : head.values, head.positions);
  }

 private:
  struct Domain {
    uint64_t end;  // row of the pass after its last
    std::unique_ptr<StoredKeyScales> scales;
  };

  keys::KeyScales of_rows(uint32_t width) const {
    if (width == 0) return {};
    return keys::fit_scales({.width = width, .values = {}, .documents = {}}, stored_.spec);
  }
  const StoredKeyScales::Head& scales_of(const model::ChangedHead& head) const {
    if (!stored_.fit) return own_.at(head.layer);
    const auto domain = std::find_if(domains_.begin(), domains_.end(),
                                     [&](const Domain& one) { return head.first_row < one.end; });
    return domain->scales->of(head.layer, head.head);
  }

  const StoredKeys stored_;
  std::map<int, StoredKeyScales::Head> own_;  // by layer, where every row has its own scale
  std::vector<Domain> domains_;               // in the order of their rows
};

}  // namespace

std::string name_of(const StoredKeys& stored) {
  std::string rows = "latents";
  if (stored.step != model::KeyStep::latent) {
    rows = fmt::format("{} keys{}", stream::key_step_name(stored.step),
                       stored.values ? " and values" : "");
  }
  return fmt::format("{} in {} bit{}", rows, stored.spec.bits, stored.spec.bits == 1 ? "" : "s");
}

Json describe(const StoredKeys& stored) {
  Json fit;
  if (stored.fit) {
    fit = {{"documents", stored.fit->all_documents ? "all" : "even"},
           {"positions", stored.fit->positions},
           {"sink_positions", stored.fit->sink_positions}};
  }
  return {{"bits", stored.spec.bits},
          {"scale", scale_word(stored.spec.scale_of)},
          {"rule", rule_word(stored.spec.rule)},
          {"values", stored.values},
          {"fit", std::move(fit)}};
}

KeyChangeTrial trial_of(const StoredKeys& stored, const model::Model& model) {
  auto change = std::make_unique<StoredKeyChange>(stored, model);
  KeyChangeTrial trial{.name = name_of(stored),
                       .description = describe(stored),
                       .step = stored.step,
                       .layers = stored.layers,
                       .change = nullptr,
                       .watch_plain = {}};
  if (stored.fit) {
    trial.watch_plain = [made = change.get()](const experiments::Setting& setting,
                                              uint64_t first_row) -> tap::Observer& {
      return made->watch(setting, first_row);
    };
  }
  trial.change = std::move(change);
  return trial;
}

}  // namespace rg::lab
