#include "key_record.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "support/kept_progress.h"

namespace rg::stream {
namespace {

class KeyRecorder : public tap::Observer {
 public:
  KeyRecorder(const tap::SequenceSet& set, const Asks& asks, KeyRecord& record)
      : set_(&set), asks_(asks), record_(record) {}

  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }
  tap::Needs needs() const override {
    tap::Needs needs;
    needs.keys = asks_.keys;
    needs.key_projection = asks_.key_projection;
    needs.held_key_rows = asks_.held_key_rows;
    needs.held_query_rows = asks_.held_query_rows;
    needs.held_value_rows = asks_.held_value_rows;
    return needs;
  }

  void begin_layer(const tap::LayerView& view) override { call("begin_layer", view.layer); }
  void begin_keys(const tap::KeyView& view) override {
    call("begin_keys", view.layer);
    KeyLayer& layer = record_.layers[view.layer];
    layer.view = view;
    layer.input_gain.assign(view.input_gain.begin(), view.input_gain.end());
    layer.view.input_gain = layer.input_gain;
    if (view.projection != nullptr) {
      const uint32_t rows = view.latent_width > 0 ? view.latent_width + view.shared_width
                                                  : view.kv_heads * view.key_width;
      layer.projection.assign(view.projection, view.projection + size_t{rows} * view.width);
    }
    layer.view.projection = nullptr;
    if (!view.rotation) return;
    layer.frequencies.assign(view.rotation->frequencies.begin(), view.rotation->frequencies.end());
    layer.long_frequencies.assign(view.rotation->long_frequencies.begin(),
                                  view.rotation->long_frequencies.end());
    layer.view.rotation->frequencies = layer.frequencies;
    layer.view.rotation->long_frequencies = layer.long_frequencies;
  }
  void on_keys(const tap::KeyView& view, const tap::KeyBlock& block) override {
    call("on_keys", view.layer, block.first_row, block.rows);
    const std::scoped_lock lock(mutex_);
    keep(view, block, "residual_in", view.width, block.residual_in);
    keep(view, block, "input", view.width, block.input);
    keep_steps(view, block, "queries", view.heads * view.key_width, block.queries);
    keep_steps(view, block, "keys", view.kv_heads * view.key_width, block.keys);
    keep(view, block, "values", view.kv_heads * view.value_width, block.values);
    keep(view, block, "latent", view.latent_width, block.latent);
    keep(view, block, "shared", view.shared_width, block.shared);
    if (block.shared_rotated != block.shared) {
      keep(view, block, "shared_rotated", view.shared_width, block.shared_rotated);
    }
  }
  void end_keys(const tap::KeyView& view) override { call("end_keys", view.layer); }
  void on_no_keys(int layer, std::string_view mixer) override {
    call("on_no_keys", layer);
    record_.mixers_without.emplace(layer, mixer);
  }
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    call("on_gate", view.layer, block.first_row, block.rows);
    const std::scoped_lock lock(mutex_);
    place(block, view.spec->experts, block.router_logits, record_.router_logits[view.layer]);
    place(block, view.spec->top_k + 1, block.ranked, record_.ranked[view.layer]);
  }
  void on_gates_done(const tap::LayerView& view) override { call("on_gates_done", view.layer); }

 private:
  void call(const char* name, int layer) {
    const std::scoped_lock lock(mutex_);
    record_.calls.push_back(fmt::format("{} {}", name, layer));
  }
  // One entry per row.
  void call(const char* name, int layer, size_t first_row, size_t rows) {
    const std::scoped_lock lock(mutex_);
    for (size_t row = first_row; row < first_row + rows; ++row) {
      record_.calls.push_back(fmt::format("{} {} row {}", name, layer, row));
    }
  }
  template <typename T>
  void place(const tap::Block& block, size_t columns, const T* from, std::vector<T>& to) const {
    if (to.empty()) to.assign(set_->rows() * columns, static_cast<T>(NAN));
    std::copy_n(from, block.rows * columns,
                to.begin() + static_cast<ptrdiff_t>(block.first_row * columns));
  }
  void keep(const tap::KeyView& view, const tap::Block& block, const std::string& name,
            size_t columns, const float* from) {
    if (from != nullptr) place(block, columns, from, record_.layers[view.layer].rows[name]);
  }
  void keep_steps(const tap::KeyView& view, const tap::Block& block, const std::string& name,
                  size_t columns, const tap::KeySteps& steps) {
    const float* before = nullptr;
    for (const auto& [step, rows] :
         {std::pair{".projected", steps.projected}, std::pair{".normed", steps.normed},
          std::pair{".rotated", steps.rotated}, std::pair{".scored", steps.scored}}) {
      if (rows != before) keep(view, block, name + step, columns, rows);
      before = rows;
    }
  }

  const tap::SequenceSet* set_;
  Asks asks_;
  KeyRecord& record_;
  std::mutex mutex_;
};

}  // namespace

KeyRecord record_keys(const formats::Checkpoint& checkpoint, const model::Model& model,
                      const tap::SequenceSet& set, const How& how, const Asks& asks,
                      const std::vector<const tap::SequenceSet*>& others) {
  KeyRecord record;
  KeyRecorder recorder(set, asks, record);
  std::vector<const tap::SequenceSet*> sets = {&set};
  sets.insert(sets.end(), others.begin(), others.end());
  tap::Observer* observers[] = {&recorder};
  Settings settings;
  settings.compute = how.compute;
  settings.threads = how.threads;
  settings.block_windows = how.block_windows;
  settings.intervention = how.intervention;
  settings.spill_folder = std::filesystem::temp_directory_path();
  settings.flops_per_s = 1e9;
  record.plan = make_plan(model, sets, observers, settings);
  test::KeptProgress progress;
  run_pass(checkpoint, model, sets, observers, settings, record.plan, progress);
  return record;
}

std::vector<std::string> key_violations(const KeyRecord& record,
                                        const test::SafetensorsFile& expected) {
  std::vector<std::string> lines;
  std::set<std::string> shown;
  for (const auto& [layer, kept] : record.layers) {
    for (const auto& [name, rows] : kept.rows) {
      if (name == "residual_in") continue;
      const std::string full = fmt::format("layers.{}.{}", layer, name);
      shown.insert(full);
      const auto names = expected.names();
      if (std::find(names.begin(), names.end(), full) == names.end()) {
        lines.push_back(full + " is shown but not expected");
        continue;
      }
      const std::vector<float> wanted = expected.floats(full);
      std::vector<float> found = rows;
      found.resize(std::min(found.size(), wanted.size()));
      const double error = relative_error(found, wanted);
      if (!(error <= kParity)) lines.push_back(fmt::format("{}: {:.2e}", full, error));
    }
  }
  for (const std::string& name : expected.names()) {
    if (!shown.contains(name)) lines.push_back(name + " is expected but not shown");
  }
  return lines;
}

}  // namespace rg::stream
