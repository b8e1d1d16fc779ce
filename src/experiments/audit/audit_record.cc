#include "experiments/audit/audit_record.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "base/error.h"
#include "experiments/audit/flip_bank.h"
#include "tensor/dtype.h"

namespace rg::experiments {
namespace {

constexpr double kBelowRadius = 1 - 1e-5;  // a guarantee needs |dy| < this times the radius

double squared_distance(const float* a, const float* b, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) {
    const double difference = static_cast<double>(b[i]) - static_cast<double>(a[i]);
    sum += difference * difference;
  }
  return sum;
}

}  // namespace

// Memory of one decision that is made again.
struct AuditRecord::Scratch {
  explicit Scratch(const gate::GateSpec& spec)
      : scores(spec.experts), rounded(spec.experts), ranked(spec.top_k + 1), weights(spec.top_k) {}

  gate::DecisionView view() {
    return {.scores = scores,
            .ranked = ranked,
            .weights = weights,
            .margin = 0,
            .margin_logit = 0,
            .margin_group = 0,
            .eligible = 0};
  }

  std::vector<float> scores, rounded;
  std::vector<int32_t> ranked;
  std::vector<float> weights;
};

// A defined decision.
struct AuditRecord::Token {
  std::span<const int32_t> a, b, ba, ab;  // (k) R_A, R_B, R_BA, R_AB
  std::span<const float> logits_a;        // (E)
  double moved;                           // |y_B - y_A|^2
};

std::vector<uint8_t> document_folds(std::span<const uint32_t> window_document) {
  std::map<uint32_t, size_t> number;
  std::vector<uint8_t> folds;
  for (const uint32_t document : window_document) {
    const size_t index = number.emplace(document, number.size()).first->second;
    folds.push_back(static_cast<uint8_t>(index % 2));
  }
  if (number.size() < 2) folds.clear();
  return folds;
}

AuditRecord::AuditRecord(const Setting& setting, const ReferenceRecord& reference,
                         const RouteTable& routes_a, RouteTable& routes_b, uint64_t held_beside)
    : setting_(setting),
      reference_(reference),
      routes_a_(routes_a),
      routes_b_(routes_b),
      held_beside_(held_beside),
      folds_(document_folds(setting.window_document)) {
  check_windows(setting);
}

uint64_t AuditRecord::kept_bytes() const {
  constexpr uint64_t kDecileCounts = 3;
  const uint64_t cells = setting_.layers.size() * windows();
  uint64_t bytes =
      cells * (static_cast<uint64_t>(AuditCount::kinds) * sizeof(uint32_t) + sizeof(double) +
               kinds() * kMarginDeciles * kDecileCounts * sizeof(uint32_t)) +
      all_positions() * sizeof(uint16_t);
  if (folds_.empty()) return bytes;
  const uint64_t levels = std::min(positions(), kAuditDraws + 1);
  return bytes +
         cells * (3 * (levels * sizeof(std::array<uint32_t, 3>) + sizeof(std::vector<int>)) +
                  3 * sizeof(double));
}

tap::Needs AuditRecord::needs() const {
  const uint64_t experts = setting_.spec.experts;
  tap::Needs needs;
  // Of a token: both runs' logits, and margins, flags and mass. With folds a row in each of three
  // banks of changes.
  uint64_t token = 2 * experts * sizeof(float) + kinds() * sizeof(float) + 4;
  if (!folds_.empty()) token += 3 * bank_stride(experts) * sizeof(float);
  needs.held_bytes = kept_bytes() + held_beside_ + all_positions() * token +
                     experts * (setting_.width + 1) * sizeof(float) +
                     3 * experts * experts * sizeof(double);
  return needs;
}

// Not in the constructor: it waits for the pass over the reference.
void AuditRecord::begin_layer(const tap::LayerView& view) {
  if (depth_sum_.empty()) {
    const size_t cells = setting_.layers.size() * windows();
    for (std::vector<uint32_t>& counts : counts_) counts.assign(cells, 0);
    depth_sum_.assign(cells, 0.0);
    for (auto& deciles : deciles_) deciles.resize(setting_.layers.size());
    forecasts_.resize(setting_.layers.size());
    flipped_layers_.assign(all_positions(), 0);
  }
  const int slot = slot_among(setting_.layers, view.layer);
  if (slot < 0) return;
  reference_.read_gate(static_cast<size_t>(slot), router_, selection_bias_);
  distances_.reset();
  if (gates_equal_) distances_.emplace(router_, setting_.spec.experts, setting_.width);
  for (auto* const logits : {&logits_a_, &logits_b_}) {
    logits->resize(all_positions() * setting_.spec.experts);
  }
  for (size_t kind = 0; kind < kinds(); ++kind) margins_[kind].assign(all_positions(), 0.0f);
  for (auto* const flags : {&defined_, &flipped_}) flags->assign(all_positions(), 0);
  mass_.assign(all_positions(), 0);
  moved_.assign(windows(), 0.0);
}

void AuditRecord::on_gate(const tap::LayerView& view, const tap::GateBlock& block) {
  const size_t k = setting_.spec.top_k;
  for (size_t row = 0; row < block.rows; ++row) {
    routes_b_.set(view.layer, reference_.first_row() + block.first_row + row,
                  {block.ranked + row * (k + 1), k});
  }
  const int slot = slot_among(setting_.layers, view.layer);
  if (slot < 0) return;
  check_internal(block.other_gates.size() == 1, "the pass asks the reference's gate");
  for_each_sequence(block, [&](const SequenceRows& rows) {
    watch_window(view, block, rows, static_cast<size_t>(slot));
  });
}

void AuditRecord::watch_window(const tap::LayerView& view, const tap::GateBlock& block,
                               const SequenceRows& rows, size_t slot) {
  const size_t k = setting_.spec.top_k, experts = setting_.spec.experts, d = setting_.width;
  const size_t w = rows.sequence, first = w * positions();
  ReferenceWindow reference;
  reference_.read_window(slot, w, reference);
  reference_.read_logits(slot, w, {logits_a_.data() + first * experts, positions() * experts});
  std::copy_n(block.router_logits + rows.first * experts, positions() * experts,
              logits_b_.data() + first * experts);
  Scratch scratch(setting_.spec);
  for (uint32_t t = 0; t < positions(); ++t) {
    const size_t row = rows.first + t, token_index = first + t;
    Token token{
        .a = routes_a_.at(view.layer, reference_.first_row() + rows.first_in_set + t),
        .b = {block.ranked + row * (k + 1), k},
        .ba = std::span<const int32_t>(reference.other_selected).subspan(t * k, k),
        .ab = {block.other_gates[0].ranked + row * (k + 1), k},
        .logits_a = {logits_a_.data() + token_index * experts, experts},
        .moved = squared_distance(reference.inputs.data() + t * d, block.gate_input + row * d, d)};
    gate::DecisionView decision = scratch.view();
    gate::decide(setting_.spec, token.logits_a, selection_bias_, decision);
    check_internal(std::equal(token.a.begin(), token.a.end(), decision.ranked.begin()),
                   "the reference's logits give its routes");
    if (!std::isfinite(decision.margin) || !std::isfinite(block.margins[row])) {
      ++count(AuditCount::undefined, slot, w);
      continue;
    }
    defined_[token_index] = 1;
    margins_[static_cast<size_t>(MarginKind::set)][token_index] = decision.margin;
    margins_[static_cast<size_t>(MarginKind::logit)][token_index] = decision.margin_logit;
    if (kinds() > 2) {
      margins_[static_cast<size_t>(MarginKind::group)][token_index] = decision.margin_group;
    }
    const Flip flip =
        compare_choices(setting_.spec, decision,
                        {token.a, std::span<const float>(reference.weights).subspan(t * k, k)},
                        {token.b, {block.weights + row * k, k}});
    mass_[token_index] = static_cast<uint16_t>(flip.mass);
    moved_[w] += token.moved;
    add_decision(token, flip, slot, w);
    add_floor(token, scratch, slot, w);
    if (flip.mass == 0) continue;
    flipped_[token_index] = 1;
    if (flipped_layers_[token_index]++ == 0) ++count(AuditCount::onset, slot, w);
  }
}

void AuditRecord::add_decision(const Token& token, const Flip& flip, size_t slot, size_t window) {
  const auto add = [&](AuditCount kind, uint32_t amount) { count(kind, slot, window) += amount; };
  const uint32_t local = set_distance(token.a, token.ba);
  const uint32_t inherited = set_distance(token.ba, token.b);
  check_internal(flip.mass <= local + inherited && local <= flip.mass + inherited &&
                     inherited <= flip.mass + local,
                 "set distances are a metric");
  check_internal(!gates_equal_ || local == 0, "equal gates choose equally on one input");
  add(AuditCount::total, flip.mass);
  add(AuditCount::local, local);
  add(AuditCount::inherited, inherited);
  add(AuditCount::through_a, set_distance(token.a, token.ab));
  add(AuditCount::flips, flip.mass > 0 ? 1 : 0);
  add(AuditCount::reordered, flip.reordered ? 1 : 0);
  add(AuditCount::reweighted, flip.reweighted ? 1 : 0);
  add(AuditCount::neighbour, flip.distance == FlipDistance::neighbour ? 1 : 0);
  add(AuditCount::middle, flip.distance == FlipDistance::middle ? 1 : 0);
  add(AuditCount::far, flip.distance == FlipDistance::far ? 1 : 0);
  add(AuditCount::depth_n, flip.depth_n);
  depth_sum_[slot * windows() + window] += flip.depth_sum;
  if (!gates_equal_) return;
  const double radius =
      guaranteed_radius(setting_.spec, selection_bias_, token.logits_a, *distances_);
  const bool guaranteed = std::sqrt(token.moved) < kBelowRadius * radius;
  check_internal(!guaranteed || flip.mass == 0, "within the guaranteed radius no choice changes");
  add(AuditCount::guaranteed, guaranteed ? 1 : 0);
}

// A's own logits, rounded to bf16, through the same gate.
void AuditRecord::add_floor(const Token& token, Scratch& scratch, size_t slot, size_t window) {
  std::transform(token.logits_a.begin(), token.logits_a.end(), scratch.rounded.begin(),
                 [](float logit) { return bf16_to_f32(f32_to_bf16(logit)); });
  gate::DecisionView rounded = scratch.view();
  gate::decide(setting_.spec, scratch.rounded, selection_bias_, rounded);
  const uint32_t mass = set_distance(token.a, rounded.ranked.first(token.a.size()));
  count(AuditCount::floor_flips, slot, window) += mass > 0 ? 1 : 0;
  count(AuditCount::floor_mass, slot, window) += mass;
  count(AuditCount::floor_ties, slot, window) += rounded.margin == 0 ? 1 : 0;
}

void AuditRecord::on_gates_done(const tap::LayerView& view) {
  const int slot = slot_among(setting_.layers, view.layer);
  if (slot < 0) return;
  for (size_t kind = 0; kind < kinds(); ++kind) {
    deciles_[kind][static_cast<size_t>(slot)] =
        margin_deciles(margins_[kind], defined_, mass_, windows());
  }
  if (!folds_.empty()) forecast_flips(view, static_cast<size_t>(slot));
  if (view.layer != setting_.layers.back()) return;
  // The record waits for other passes: it gives back what it no longer needs.
  for (auto* const floats : {&router_, &selection_bias_, &logits_a_, &logits_b_}) {
    std::vector<float>().swap(*floats);
  }
  for (std::vector<float>& margins : margins_) std::vector<float>().swap(margins);
  for (auto* const flags : {&defined_, &flipped_}) std::vector<uint8_t>().swap(*flags);
  std::vector<uint16_t>().swap(mass_);
  distances_.reset();
}

void AuditRecord::forecast_flips(const tap::LayerView& view, size_t slot) {
  std::array<double, 2> moved{}, decisions{};
  for (size_t w = 0; w < windows(); ++w) {
    moved[folds_[w]] += moved_[w];
    decisions[folds_[w]] += positions() - counts(AuditCount::undefined, slot)[w];
  }
  std::array<double, 2> variance{};
  for (size_t fold = 0; fold < 2; ++fold) {
    variance[fold] = decisions[fold] == 0 ? 0.0 : moved[fold] / decisions[fold] / setting_.width;
  }
  forecasts_[slot] = forecast_layer({.spec = setting_.spec,
                                     .selection_bias = selection_bias_,
                                     .gate_a = router_,
                                     .width = setting_.width,
                                     .windows = windows(),
                                     .positions = positions(),
                                     .logits_a = logits_a_,
                                     .logits_b = logits_b_,
                                     .defined = defined_,
                                     .flipped = flipped_,
                                     .fold = folds_,
                                     .input_variance = variance,
                                     .seed = setting_.seed,
                                     .layer = view.layer,
                                     .threads = view.threads});
}

uint32_t& AuditRecord::count(AuditCount count, size_t slot, size_t window) {
  return counts_[static_cast<size_t>(count)][slot * windows() + window];
}

std::span<const uint32_t> AuditRecord::counts(AuditCount count, size_t slot) const {
  return {counts_[static_cast<size_t>(count)].data() + slot * windows(), windows()};
}

std::span<const double> AuditRecord::depth_sum(size_t slot) const {
  return {depth_sum_.data() + slot * windows(), windows()};
}

}  // namespace rg::experiments
