#include "experiments/chart_compatibility.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "experiments/chart_summary.h"
#include "experiments/common.h"
#include "experiments/redundancy.h"
#include "experiments/strata.h"
#include "experiments/swap_weights.h"
#include "kernels/elementwise.h"

namespace rg::experiments {
namespace {

const std::vector<std::string> kParameters = {"bootstrap", "required_layers"};
constexpr uint32_t kDraw = 1;               // verdicts come from draw 1
constexpr uint32_t kDrawStride = 1u << 20;  // i = position + 2^20 * draw
constexpr uint32_t kFewestPositions = 10;   // N6

// The three competitors of e_k.
enum Partner : size_t { kNext, kRandom, kUnselected, kPartners };

// What was asked for at one position, and what came back.
struct Position {
  uint8_t strata = 0;
  bool all_eligible = false;  // every eligible expert was asked for
  double weight = 0;          // of e_k
  std::array<int32_t, kPartners> partner = {-1, -1, -1};
  std::array<double, kPartners> partner_weight = {};
  int32_t last_selected = -1;  // e_k
  std::array<Redundancy, kPartners> found = {};
};

class ChartCompatibility : public ExperimentBase {
 public:
  explicit ChartCompatibility(const Setting& setting)
      : ExperimentBase(setting),
        experts_(setting.spec.experts),
        k_(setting.spec.top_k),
        record_(setting.layers.size(), windows()),
        positions_(windows() * positions()) {}

  tap::Needs needs() const override;
  void on_gate(const tap::LayerView& view, const tap::GateBlock& block) override;
  void on_outputs(const tap::LayerView& view, const tap::ExpertOutputs& answer) override;
  void end_layer(const tap::LayerView& view) override;
  record::Contribution reduce() override;

 private:
  void ask(const tap::LayerView& view, const tap::GateBlock& block, const SequenceRows& window,
           uint32_t t, Position& position);
  void ask_window(const tap::LayerView& view, const tap::GateBlock& block,
                  const SequenceRows& window, size_t slot);
  void summarise_window(size_t slot, size_t window);
  Position* of_window(size_t window) { return positions_.data() + window * positions(); }

  const uint32_t experts_, k_;
  ChartRecord record_;
  std::vector<Position> positions_;  // (windows, T) of the layer that is running
};

tap::Needs ChartCompatibility::needs() const {
  const double tokens = boundary_size(positions()) + interior_size(positions());
  const double eligible =
      static_cast<double>(experts_) / setting_.spec.groups * setting_.spec.groups_kept;
  const double row = 1.0 / setting_.seq_len;
  const double share =
      static_cast<double>(setting_.layers.size()) / static_cast<double>(setting_.moe_layers.size());
  tap::Needs needs;
  needs.expert_outputs = true;
  needs.next_unembedding = true;
  // Per token e_{k+1} and the two random partners; per window every eligible expert once.
  const double others = std::max(0.0, eligible - k_ - 3);
  needs.extra_outputs_per_row = (tokens * 3 + others) * row * share;
  needs.stored_outputs_per_row = (tokens * 4 + std::max(0.0, eligible - 4)) * row;
  needs.held_bytes = positions_.size() * sizeof(Position) + record_.bytes();
  return needs;
}

void ChartCompatibility::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  for_each_sequence(block, [&](const SequenceRows& window) {
    ask_window(view, block, window, static_cast<size_t>(slot));
  });
}

void ChartCompatibility::ask_window(const tap::LayerView& view, const tap::GateBlock& block,
                                    const SequenceRows& window, size_t slot) {
  const Strata strata = stratify({block.margins + window.first, positions()});
  const auto w = static_cast<uint32_t>(window.sequence);
  record_.undefined.at(slot, w) = strata.undefined;
  record_.overlapping.at(slot, w) = strata.overlapping;
  Position* position = of_window(w);
  std::fill(position, position + positions(), Position{});
  if (strata.overlapping || strata.boundary == 0) return;

  // One boundary position per window answers for every eligible competitor.
  uint32_t nth = draw_below(strata.boundary, setting_.seed, Purpose::sampled_positions,
                            {0, w, static_cast<uint32_t>(view.layer)});
  for (uint32_t t = 0; t < positions(); ++t) {
    const uint8_t bits = strata.of_position[t];
    if ((bits & (kBoundary | kInterior)) == 0) continue;
    position[t].strata = bits;
    if ((bits & kBoundary) != 0 && nth-- == 0) {
      position[t].all_eligible = true;
      record_.exact_position[slot * windows() + w] = static_cast<int32_t>(t);
    }
    ask(view, block, window, t, position[t]);
  }
}

// Draws the partners of e_k at one position and asks for the outputs.
void ChartCompatibility::ask(const tap::LayerView& view, const tap::GateBlock& block,
                             const SequenceRows& window, uint32_t t, Position& position) {
  const size_t row = window.first + t;
  const GatedToken token{.spec = view.spec,
                         .selection_bias = view.selection_bias,
                         .logits = block.router_logits + row * experts_,
                         .scores = block.scores + row * experts_,
                         .ranked = block.ranked + row * (k_ + 1),
                         .weights = block.weights + row * k_};
  std::array<int32_t, gate::kMaxExperts> eligible, wanted;
  size_t count = 0;
  for (uint32_t e = 0; e < experts_; ++e) {
    if (token.scores[e] != -std::numeric_limits<float>::infinity()) {
      eligible[count++] = static_cast<int32_t>(e);
    }
  }
  // A uniform member of the eligible experts that are not among `left_out`, taken in ascending
  // index.
  const auto draw = [&](const int32_t* left_out, size_t left_out_count, Purpose purpose) {
    if (count <= left_out_count) return int32_t{-1};
    uint32_t nth = draw_below(static_cast<uint32_t>(count - left_out_count), setting_.seed, purpose,
                              {t + kDrawStride * kDraw, static_cast<uint32_t>(window.sequence),
                               static_cast<uint32_t>(view.layer)});
    for (size_t i = 0; i < count; ++i) {
      if (std::find(left_out, left_out + left_out_count, eligible[i]) !=
          left_out + left_out_count) {
        continue;
      }
      if (nth-- == 0) return eligible[i];
    }
    return int32_t{-1};
  };
  position.last_selected = token.ranked[k_ - 1];
  position.weight = static_cast<double>(token.weights[k_ - 1]);
  position.partner = {token.ranked[k_], draw(token.ranked + k_ - 1, 2, Purpose::random_expert),
                      draw(token.ranked, k_ + 1, Purpose::unselected_expert)};
  size_t asked = 0;
  wanted[asked++] = position.last_selected;
  for (size_t p = 0; p < kPartners; ++p) {
    const int32_t partner = position.partner[p];
    if (partner < 0) continue;
    position.partner_weight[p] = swapped_weight(token, partner);
    if (std::find(wanted.begin(), wanted.begin() + asked, partner) == wanted.begin() + asked) {
      wanted[asked++] = partner;
    }
  }
  const size_t row_in_set = window.first_in_set + t;
  if (position.all_eligible) {
    block.requests->add(row_in_set, {eligible.data(), count});
  } else {
    block.requests->add(row_in_set, {wanted.data(), asked});
  }
}

void ChartCompatibility::on_outputs(const tap::LayerView& view, const tap::ExpertOutputs& answer) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  const size_t d = view.width;
  const size_t window = answer.row / setting_.seq_len;
  Position& position = of_window(window)[answer.row % setting_.seq_len];
  const auto output = [&](int32_t expert, double weight) {
    const auto at = std::find(answer.experts.begin(), answer.experts.end(), expert);
    check_internal(at != answer.experts.end(), "the engine answers with the experts asked for");
    return make_output(answer.outputs + static_cast<size_t>(at - answer.experts.begin()) * d,
                       answer.next_unembedding, weight, d);
  };
  const Output own = output(position.last_selected, position.weight);
  const double update_norm = std::sqrt(kernels::squared_norm(answer.update, d));
  for (size_t p = 0; p < kPartners; ++p) {
    if (position.partner[p] < 0) continue;
    position.found[p] =
        compare(own, output(position.partner[p], position.partner_weight[p]), update_norm, d);
  }
  if (!position.all_eligible) return;
  double sum = 0, number = 0;
  for (size_t i = 0; i < answer.experts.size(); ++i) {
    const int32_t expert = answer.experts[i];
    if (expert == position.last_selected || expert == position.partner[kNext]) continue;
    const float* values = answer.outputs + i * d;
    sum += kappa_hidden(own, {values, std::sqrt(kernels::squared_norm(values, d)), 0, 0}, d);
    number += 1;
  }
  if (number > 0) record_.exact_mean.at(static_cast<size_t>(slot), window) = sum / number;
}

// The stratum values of one window, in position order.
void ChartCompatibility::summarise_window(size_t slot, size_t window) {
  struct Row {
    ChartStratum stratum;
    uint8_t bit;
    Partner partner;
  };
  constexpr std::array<Row, 7> kRows = {
      {{ChartStratum::boundary, kBoundary, kNext},
       {ChartStratum::interior, kInterior, kNext},
       {ChartStratum::boundary_random, kBoundary, kRandom},
       {ChartStratum::interior_random, kInterior, kRandom},
       {ChartStratum::boundary_unselected, kBoundary, kUnselected},
       {ChartStratum::interior_unselected, kInterior, kUnselected},
       {ChartStratum::interior_high, kInteriorHigh, kNext}}};
  const Position* position = of_window(window);
  std::vector<Redundancy> members;
  size_t boundary = 0;
  for (const Row& row : kRows) {
    members.clear();
    for (uint32_t t = 0; t < positions(); ++t) {
      if ((position[t].strata & row.bit) != 0 && position[t].partner[row.partner] >= 0) {
        members.push_back(position[t].found[row.partner]);
      }
    }
    record_.add_stratum(row.stratum, slot, window, members);
    if (row.stratum == ChartStratum::boundary) boundary = members.size();
    if (row.stratum == ChartStratum::interior) {
      record_.add_matched(slot, window, members, boundary);
    }
  }
}

void ChartCompatibility::end_layer(const tap::LayerView& view) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  parallel_for(windows(), view.threads,
               [&](size_t window, int) { summarise_window(static_cast<size_t>(slot), window); });
}

std::vector<int> required_layers(const Setting& setting) {
  const auto at = setting.parameters.find("required_layers");
  if (at == setting.parameters.end()) return setting.layers;
  std::vector<int> required;
  bool valid = at->second.is_array() && !at->second.empty();
  if (valid) {
    for (const Json& item : at->second) {
      valid = valid && item.is_number_integer() &&
              std::find(setting.layers.begin(), setting.layers.end(), item) != setting.layers.end();
      if (valid) required.push_back(item.get<int>());
    }
  }
  std::sort(required.begin(), required.end());
  valid = valid && std::adjacent_find(required.begin(), required.end()) == required.end();
  if (valid) return required;
  throw Error(ErrorId::US003, {.object = "--parameter required_layers",
                               .found = write_json(at->second, JsonLayout::compact),
                               .expected = "a JSON array of distinct measured layers, not empty"});
}

record::Contribution ChartCompatibility::reduce() {
  const std::vector<int> required = required_layers(setting_);
  record::Contribution part{
      .test = "chart_compatibility", .fields = Json::object(), .notes = length_notes()};
  Json& fields = part.fields;
  fields["layers"] = setting_.layers;
  fields["verification"] = verification_json(required);
  fields["strata_def"] = {{"margin_used", "m_set"},
                          {"pair_def", "k_kp1"},
                          {"boundary_quantile", 0.1},
                          {"interior_quantile", 0.5},
                          {"interior_high_quantile", 0.9}};
  fields["controls"] = {{"random_e2", true}, {"unselected_e2", true}, {"exact_random", true}};
  fields["random_draws"] = kDraw;
  reduce_chart(record_, setting_, required, fields);
  for (size_t slot = 0; slot < setting_.layers.size(); ++slot) {
    uint64_t undefined = 0;
    for (const uint64_t count : record_.undefined.of_layer(slot)) undefined += count;
    const uint64_t all = uint64_t{positions()} * windows();
    if (undefined * 1000 > all) {
      part.notes.push_back(fmt::format("layer {}: {} of {} margins are undefined",
                                       setting_.layers[slot], undefined, all));
    }
  }
  return part;
}

std::unique_ptr<Experiment> make(const Setting& setting) {
  check_keys(setting, kParameters);
  require_competitor(setting, "chart_compatibility");
  required_layers(setting);
  const uint32_t positions = setting.seq_len - 1;
  if (positions < kFewestPositions && !setting.allow_small_t) {
    throw Error(ErrorId::RT006,
                {.object = "chart_compatibility",
                 .found = fmt::format("windows of {} tokens, {} measured positions",
                                      setting.seq_len, positions),
                 .expected = fmt::format("at least {} measured positions", kFewestPositions),
                 .hint = "Strata of so few tokens coincide. Raise --seq-len, or measure all the "
                         "same with --allow-small-T."});
  }
  return std::make_unique<ChartCompatibility>(with_parameters(setting));
}

}  // namespace

Declaration chart_compatibility_declaration() {
  return {
      .name = "chart_compatibility",
      .summary = "Are the experts that compete at the selection boundary interchangeable there?",
      .parameters = kParameters,
      .uses_prompts = false,
      .make = &make};
}

}  // namespace rg::experiments
