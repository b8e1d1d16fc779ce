#include "golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace rg::stream {
namespace {

std::filesystem::path folder(const std::string& name) {
  return std::filesystem::path(RG_TEST_DATA) / "olmoe" / name;
}

class Quiet : public Progress {
 public:
  void layer_advanced(int, int, double) override {}
  void step(const std::string&) override {}
  void note(const std::string&) override {}
};

class Recorder : public tap::Observer {
 public:
  Recorder(const tap::SequenceSet& set, const model::Model& model)
      : set_(&set), layers_(model.layers.size()), logits_(set.rows() * model.vocabulary, NAN) {
    size_t row = 0;
    for (const uint32_t length : set.lengths) {
      first_row_.push_back(row);
      row += length;
    }
  }

  tap::Needs needs() const override {
    tap::Needs all;
    all.residual_in = all.attention_out = all.parts = all.update = all.logits = true;
    return all;
  }
  std::span<const tap::SequenceSet* const> sets() const override { return {&set_, 1}; }

  void begin_layer(const tap::LayerView& view) override {
    LayerRecord& r = record(view);
    const size_t wide = set_->rows() * view.width;
    const size_t experts = set_->rows() * view.spec->experts, k = view.spec->top_k;
    for (auto* rows :
         {&r.residual_in, &r.attention_out, &r.residual_pre, &r.gate_input, &r.update, &r.parts}) {
      rows->assign(wide, NAN);
    }
    for (auto* rows : {&r.router_logits, &r.scores, &r.counterfactual}) rows->assign(experts, NAN);
    r.topk_weights.assign(set_->rows() * k, NAN);
    r.margins.assign(set_->rows(), NAN);
    r.topk_ids.assign(set_->rows() * (k + 1), -2);
  }

  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override {
    LayerRecord& r = record(view);
    const size_t d = view.width, experts = view.spec->experts, k = view.spec->top_k;
    store(block, d, block.residual_in, r.residual_in);
    store(block, d, block.attention_out, r.attention_out);
    store(block, d, block.residual_pre, r.residual_pre);
    store(block, d, block.gate_input, r.gate_input);
    store(block, experts, block.router_logits, r.router_logits);
    store(block, experts, block.scores, r.scores);
    store(block, k, block.weights, r.topk_weights);
    store(block, 1, block.margins, r.margins);
    store(block, k + 1, block.ranked, r.topk_ids);
    for (size_t t = 0; t < block.rows; ++t) {
      for (size_t i = 0; i < d; ++i) {
        r.parts[(block.first_row + t) * d + i] =
            block.embedding[t][i] + block.attention_sum[t * d + i] + block.expert_sum[t * d + i];
      }
    }
    size_t row = 0;
    for (size_t s = 0; s < block.sequences; ++s) {
      const size_t length = set_->lengths[block.first_sequence + s];
      view.router->logits_of_residual(block.residual_pre + row * d, length,
                                      r.counterfactual.data() + (block.first_row + row) * experts,
                                      block.worker);
      row += length;
    }
  }

  void on_update(const tap::LayerView& view, const tap::UpdateBlock& block) override {
    store(block, view.width, block.update, record(view).update);
  }

  void on_logits(const tap::LogitsBlock& block) override {
    const size_t row = first_row_[block.sequence] + block.first_position;
    std::copy_n(block.logits, size_t{block.rows} * block.vocabulary,
                logits_.begin() + static_cast<ptrdiff_t>(row * block.vocabulary));
  }

  std::vector<LayerRecord> take() { return std::move(layers_); }
  std::vector<float> take_logits() { return std::move(logits_); }

 private:
  LayerRecord& record(const tap::LayerView& view) {
    return layers_.at(static_cast<size_t>(view.layer));
  }
  template <typename T>
  void store(const tap::Block& block, size_t columns, const T* from, std::vector<T>& to) const {
    std::copy_n(from, block.rows * columns,
                to.begin() + static_cast<ptrdiff_t>(block.first_row * columns));
  }

  const tap::SequenceSet* set_;
  std::vector<LayerRecord> layers_;
  std::vector<size_t> first_row_;  // of each sequence
  std::vector<float> logits_;
};

}  // namespace

void limit_isa_once() {
  static const bool limited = (apply_isa_limit(), true);
  static_cast<void>(limited);
}

formats::Checkpoint open_golden(const std::filesystem::path& model_folder) {
  limit_isa_once();
  return formats::Checkpoint::open(formats::resolve_model(model_folder.string()));
}

std::filesystem::path golden_model_folder(const std::string& name) {
  return folder(name) / "model";
}

Golden::Golden(const std::string& name) : Golden(name, golden_model_folder(name)) {}

Golden::Golden(const std::string& name, const std::filesystem::path& model_folder)
    : name_(name),
      checkpoint_(open_golden(model_folder)),
      model_(model::bind_model(checkpoint_)),
      expected_(folder(name) / "expected.safetensors") {}

tap::SequenceSet golden_sequences(const test::SafetensorsFile& expected, bool causal) {
  tap::SequenceSet set;
  set.name = "golden";
  for (const int32_t length : expected.ints("lengths")) {
    set.lengths.push_back(static_cast<uint32_t>(length));
  }
  set.ids = expected.ints("tokens");
  set.causal = causal;
  return set;
}

tap::SequenceSet Golden::sequences(bool causal) const {
  return golden_sequences(expected_, causal);
}

Record run_recorded(const formats::Checkpoint& checkpoint, const model::Model& model,
                    const tap::SequenceSet& set, const How& how) {
  Recorder recorder(set, model);
  const tap::SequenceSet* sets[] = {&set};
  tap::Observer* observers[] = {&recorder};
  Settings settings;
  settings.compute = how.compute;
  settings.threads = how.threads;
  settings.block_windows = how.block_windows;
  settings.intervention = how.intervention;
  settings.spill_folder = std::filesystem::temp_directory_path();
  settings.flops_per_s = 1e9;  // nothing here depends on the plan's expected time
  const Plan plan = make_plan(model, sets, observers, settings);
  Record record;
  Quiet progress;
  record.result = run_pass(checkpoint, model, sets, observers, settings, plan, progress);
  record.layers = recorder.take();
  record.logits = recorder.take_logits();
  return record;
}

Record Golden::run(const model::Model& changed, const tap::SequenceSet& set, const How& how) const {
  return run_recorded(checkpoint_, changed, set, how);
}

const std::vector<std::string>& golden_names() {
  static const std::vector<std::string> names = {"mha",       "gqa-clip",      "mqa-tied-bf16",
                                                 "clip-f16",  "mixed-sharded", "fused",
                                                 "bias-yarn", "tall"};
  return names;
}

double relative_error(const std::vector<float>& found, const std::vector<float>& expected) {
  if (found.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double worst = 0, scale = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    const double error = std::abs(static_cast<double>(found[i]) - static_cast<double>(expected[i]));
    if (std::isnan(error)) return std::numeric_limits<double>::infinity();
    worst = std::max(worst, error);
    scale = std::max(scale, std::abs(static_cast<double>(expected[i])));
  }
  return worst / scale;
}

namespace {

// Rows whose ordered top-k differs although the expected margin is sure.
size_t swapped_rows(const Golden& golden, const LayerRecord& record, const std::string& at) {
  const std::vector<int32_t> expected = golden.expected().ints(at + "topk_ids");
  const std::vector<float> logits = golden.expected().floats(at + "router_logits");
  const size_t experts = golden.model().gate().experts, k = golden.model().gate().top_k;
  if (record.topk_ids.size() != expected.size()) return expected.size() / (k + 1);
  size_t swapped = 0;
  for (size_t row = 0; row * experts < logits.size(); ++row) {
    const float* z = logits.data() + row * experts;
    double sum = 0;
    for (size_t e = 0; e < experts; ++e) sum += std::exp(static_cast<double>(z[e]));
    const int32_t* ids = expected.data() + row * (k + 1);
    const double margin =
        (std::exp(static_cast<double>(z[ids[k - 1]])) - std::exp(static_cast<double>(z[ids[k]]))) /
        sum;
    const bool same_set = std::is_permutation(
        ids, ids + k, record.topk_ids.begin() + static_cast<ptrdiff_t>(row * (k + 1)));
    if (margin > kSureMargin && !same_set) ++swapped;
  }
  return swapped;
}

}  // namespace

std::vector<std::string> violations(const Golden& golden, const Record& record,
                                    const std::string& prefix) {
  std::vector<std::string> lines;
  const auto compare = [&](const std::string& name, const std::vector<float>& found) {
    const double error = relative_error(found, golden.expected().floats(prefix + name));
    if (error > kParity) {
      lines.push_back(fmt::format("{}: {}{}: {:.2e}", golden.name(), prefix, name, error));
    }
  };
  for (size_t n = 0; n < record.layers.size(); ++n) {
    const std::string at = fmt::format("layers.{}.", n);
    compare(at + "router_logits", record.layers[n].router_logits);
    if (!prefix.empty()) continue;
    const size_t swapped = swapped_rows(golden, record.layers[n], at);
    if (swapped > 0) {
      lines.push_back(fmt::format("{}: {}: {} rows select others", golden.name(), at, swapped));
    }
  }
  compare("logits", record.logits);
  return lines;
}

}  // namespace rg::stream
