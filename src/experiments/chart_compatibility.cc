#include "experiments/chart_compatibility.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "base/parallel.h"
#include "base/random.h"
#include "experiments/chart_setting.h"
#include "experiments/chart_summary.h"
#include "experiments/common.h"
#include "experiments/competitors.h"
#include "experiments/redundancy.h"
#include "experiments/strata.h"
#include "experiments/swap_weights.h"
#include "kernels/elementwise.h"
#include "stats/order.h"

namespace rg::experiments {
namespace {

constexpr uint32_t kDraw = 1;               // verdicts come from draw 1
constexpr uint32_t kDrawStride = 1u << 20;  // i = position + 2^20 * draw

// The three competitors of e_k.
enum Partner : size_t { kNext, kRandom, kUnselected, kPartners };
constexpr size_t kDrawnPartners = kPartners - kRandom;  // those that are drawn

// Requested experts of one position, and the results.
struct Position {
  uint8_t strata = 0;
  bool all_eligible = false;  // every eligible expert was requested
  double weight = 0;          // of e_k
  std::array<int32_t, kPartners> partner = {-1, -1, -1};
  std::array<double, kPartners> partner_weight = {};
  int32_t last_selected = -1;  // e_k
  std::array<Redundancy, kPartners> found = {};
  size_t further = 0;  // at a boundary position: index of draw 2
};

// A further draw (2 and up) at a boundary position: partners, and kappa_hidden with each.
struct FurtherDraw {
  std::array<int32_t, kDrawnPartners> partner = {-1, -1};
  std::array<double, kDrawnPartners> kappa = {kNaN, kNaN};
};

class ChartCompatibility : public ExperimentBase {
 public:
  explicit ChartCompatibility(const Setting& setting)
      : ExperimentBase(setting),
        experts_(setting.spec.experts),
        k_(setting.spec.top_k),
        draws_(static_cast<uint32_t>(setting.integer("random_draws"))),
        record_(setting.layers.size(), windows(), draws_),
        positions_(windows() * positions()),
        further_(windows()) {}

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
  void summarise_draws(size_t slot, size_t window);
  Position* of_window(size_t window) { return positions_.data() + window * positions(); }
  // The further draws at a position; none outside the boundary.
  std::span<FurtherDraw> further(size_t window, const Position& position) {
    if ((position.strata & kBoundary) == 0) return {};
    return std::span(further_[window]).subspan(position.further, draws_ - 1);
  }

  const uint32_t experts_, k_, draws_;
  ChartRecord record_;
  std::vector<Position> positions_;  // (windows, T) of the current layer
  // (windows)(boundary positions, draws - 1), likewise.
  std::vector<std::vector<FurtherDraw>> further_;
};

tap::Needs ChartCompatibility::needs() const {
  const double boundary = boundary_size(positions()), interior = interior_size(positions());
  const double eligible = eligible_experts(setting_.spec);
  const double row = 1.0 / setting_.seq_len;
  const double share =
      static_cast<double>(setting_.layers.size()) / static_cast<double>(setting_.moe_layers.size());
  tap::Needs needs;
  needs.expert_outputs = true;
  needs.next_unembedding = true;
  // Expected values for untied margins (ties enlarge a stratum). Per token: e_k, e_{k+1} and the
  // two random partners, at the boundary two more per further draw. Per window: every eligible
  // expert once. All but e_k are extra products.
  const double inside = 4, asked = std::min(std::max(eligible, inside), 2.0 + 2 * draws_);
  needs.extra_outputs_per_row = (boundary * (asked - 1) + interior * (inside - 1) +
                                 std::max(0.0, eligible - k_ - (asked - 1))) *
                                row * share;
  needs.stored_outputs_per_row =
      (boundary * asked + interior * inside + std::max(0.0, eligible - asked)) * row;
  needs.held_bytes = positions_.size() * sizeof(Position) + record_.bytes() +
                     windows() * boundary_size(positions()) * (draws_ - 1) * sizeof(FurtherDraw);
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
  double margins = 0, logit_margins = 0;
  for (uint32_t t = 0; t < positions(); ++t) {
    if (!std::isfinite(block.margins[window.first + t])) continue;
    margins += static_cast<double>(block.margins[window.first + t]);
    logit_margins += static_cast<double>(block.logit_margins[window.first + t]);
  }
  if (strata.undefined < positions()) {
    const double defined = positions() - strata.undefined;
    record_.margin_mean.set(slot, w, margins / defined);
    record_.logit_margin_mean.set(slot, w, logit_margins / defined);
    record_.threshold.set(slot, w, static_cast<double>(strata.threshold));
  }
  further_[w].clear();
  if (strata.overlapping || strata.boundary == 0) return;
  further_[w].resize(size_t{strata.boundary} * (draws_ - 1));

  // At one boundary position per window every eligible competitor is computed.
  const uint32_t chosen = draw_below(strata.boundary, setting_.seed, Purpose::sampled_positions,
                                     {0, w, static_cast<uint32_t>(view.layer)});
  uint32_t nth = 0;
  for (uint32_t t = 0; t < positions(); ++t) {
    const uint8_t bits = strata.of_position[t];
    if ((bits & (kBoundary | kInterior)) == 0) continue;
    position[t].strata = bits;
    if ((bits & kBoundary) != 0) {
      if (nth == chosen) {
        position[t].all_eligible = true;
        record_.exact_position[slot * windows() + w] = static_cast<int32_t>(t);
      }
      position[t].further = size_t{nth} * (draws_ - 1);
      ++nth;
    }
    ask(view, block, window, t, position[t]);
  }
}

// Draws the partners of e_k at one position and requests their outputs.
void ChartCompatibility::ask(const tap::LayerView& view, const tap::GateBlock& block,
                             const SequenceRows& window, uint32_t t, Position& position) {
  const size_t row = window.first + t;
  const GatedToken token{.spec = view.spec,
                         .logits = block.router_logits + row * experts_,
                         .scores = block.scores + row * experts_,
                         .ranked = block.ranked + row * (k_ + 1),
                         .weights = block.weights + row * k_};
  const Competitors competitors(token, experts_);
  // The partners of a draw: any expert but e_k and e_{k+1}, and any of rank above k+1.
  const auto draw = [&](uint32_t number) -> std::array<int32_t, kDrawnPartners> {
    const auto of = [&](Purpose purpose) {
      return [&, purpose](uint32_t n) {
        return draw_below(n, setting_.seed, purpose,
                          {t + kDrawStride * number, static_cast<uint32_t>(window.sequence),
                           static_cast<uint32_t>(view.layer)});
      };
    };
    return {competitors.outside({token.ranked + k_ - 1, 2}, of(Purpose::random_expert)),
            competitors.outside({token.ranked, k_ + 1}, of(Purpose::unselected_expert))};
  };
  position.last_selected = token.ranked[k_ - 1];
  position.weight = static_cast<double>(token.weights[k_ - 1]);
  const auto first = draw(kDraw);
  position.partner = {token.ranked[k_], first[0], first[1]};
  std::array<int32_t, gate::kMaxExperts> wanted;
  size_t asked = 0;
  const auto want = [&](int32_t expert) {
    if (expert < 0) return;
    if (std::find(wanted.begin(), wanted.begin() + asked, expert) == wanted.begin() + asked) {
      wanted[asked++] = expert;
    }
  };
  want(position.last_selected);
  for (size_t p = 0; p < kPartners; ++p) {
    want(position.partner[p]);
    if (position.partner[p] < 0) continue;
    position.partner_weight[p] = swapped_weight(token, position.partner[p]);
  }
  uint32_t number = kDraw;
  for (FurtherDraw& one : further(window.sequence, position)) {
    one.partner = draw(++number);
    for (const int32_t partner : one.partner) want(partner);
  }
  const size_t row_in_set = window.first_in_set + t;
  if (position.all_eligible) {
    block.requests->add(row_in_set, competitors.eligible());
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
  const auto values_of = [&](int32_t expert) {
    const auto at = std::find(answer.experts.begin(), answer.experts.end(), expert);
    check_internal(at != answer.experts.end(), "the engine returns the requested experts");
    return answer.outputs + static_cast<size_t>(at - answer.experts.begin()) * d;
  };
  const auto output = [&](int32_t expert, double weight) {
    return make_output(values_of(expert), answer.next_unembedding, weight, d);
  };
  const auto kappa = [&](const Output& with, const float* values) {
    return kappa_hidden(with, {values, std::sqrt(kernels::squared_norm(values, d)), 0, 0}, d);
  };
  const Output own = output(position.last_selected, position.weight);
  const double update_norm = std::sqrt(kernels::squared_norm(answer.update, d));
  for (size_t p = 0; p < kPartners; ++p) {
    if (position.partner[p] < 0) continue;
    position.found[p] =
        compare(own, output(position.partner[p], position.partner_weight[p]), update_norm, d);
  }
  for (FurtherDraw& one : further(window, position)) {
    for (size_t p = 0; p < kDrawnPartners; ++p) {
      if (one.partner[p] >= 0) one.kappa[p] = kappa(own, values_of(one.partner[p]));
    }
  }
  if (!position.all_eligible) return;
  double sum = 0, number = 0;
  for (size_t i = 0; i < answer.experts.size(); ++i) {
    const int32_t expert = answer.experts[i];
    if (expert == position.last_selected || expert == position.partner[kNext]) continue;
    sum += kappa(own, answer.outputs + i * d);
    number += 1;
  }
  if (number > 0) record_.exact_mean.set(static_cast<size_t>(slot), window, sum / number);
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

// The mean over all draws of each draw's median, the first one's included.
void ChartCompatibility::summarise_draws(size_t slot, size_t window) {
  const Position* position = of_window(window);
  std::vector<double> kappas;
  for (size_t p = 0; p < kDrawnPartners; ++p) {
    const ChartStratum first =
        p == 0 ? ChartStratum::boundary_random : ChartStratum::boundary_unselected;
    double sum = record_.of(first).kappa_hidden_median.of_layer(slot)[window];
    for (uint32_t draw = 0; draw + 1 < draws_; ++draw) {
      kappas.clear();
      for (uint32_t t = 0; t < positions(); ++t) {
        const auto draws = further(window, position[t]);
        if (!draws.empty() && draws[draw].partner[p] >= 0) kappas.push_back(draws[draw].kappa[p]);
      }
      sum += stats::median(kappas);
    }
    record_.drawn[p].set(slot, window, sum / draws_);
  }
}

void ChartCompatibility::end_layer(const tap::LayerView& view) {
  const int slot = slot_of(view.layer);
  if (slot < 0) return;
  parallel_for(windows(), view.threads, [&](size_t window, int) {
    summarise_window(static_cast<size_t>(slot), window);
    if (draws_ > 1) summarise_draws(static_cast<size_t>(slot), window);
  });
}

record::Contribution ChartCompatibility::reduce() {
  const std::vector<int> required = setting_.some_layers("required_layers");
  record::Contribution part{.fields = Json::object(), .notes = notes(record_.undefined)};
  Json& fields = part.fields;
  fields["layers"] = setting_.layers;
  fields["verification"] = verification_json(required);
  fields["strata_def"] = {{"margin_used", "m_set"},
                          {"pair_def", "k_kp1"},
                          {"boundary_quantile", 0.1},
                          {"interior_quantile", 0.5},
                          {"interior_high_quantile", 0.9}};
  fields["controls"] = {{"random_e2", true}, {"unselected_e2", true}, {"exact_random", true}};
  fields["random_draws"] = draws_;
  reduce_chart(record_, setting_, required, fields);
  return part;
}

std::unique_ptr<Experiment> make_chart(const Setting& setting) {
  check_chart_setting(setting);
  return std::make_unique<ChartCompatibility>(setting);
}

}  // namespace

Declaration chart_compatibility_declaration() {
  return {
      .name = "chart_compatibility",
      .version = "1.0",
      .summary = "Are the experts that compete at the selection boundary interchangeable there?",
      .parameters = {bootstrap_parameter(),
                     {.key = "random_draws",
                      .help = "draws of random partners at the boundary",
                      .values = IntegerValues{.low = 1, .high = 64, .otherwise = 1}},
                     {.key = "required_layers",
                      .help = "layers that the verdict rests on",
                      .values = LayerValues{}}},
      .prompts = nullptr,
      .compare = nullptr,
      .create = &make_chart};
}

}  // namespace rg::experiments
