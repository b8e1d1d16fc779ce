// L13: numbers that aren't the router's: hidden states in place of logits, or logits that don't
// lead to the choice under any gate.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/parallel.h"
#include "gate/gate.h"
#include "logs/checks/all.h"

namespace rg::logs {
namespace {

constexpr uint32_t kMostFitted = 2048;  // rows that a bias is fitted to
constexpr int kMostRounds = 200;
constexpr int kHopeless = 20;  // rounds after which half of the rows must follow

gate::GateSpec plain_gate(uint32_t experts, uint32_t k, gate::Score score, bool bias) {
  return {.experts = experts,
          .top_k = k,
          .logit_bias = false,
          .score = score,
          .selection_bias = bias,
          .groups = 1u,
          .groups_kept = 1u,
          .group_score = gate::GroupScore::none,
          .weigh = gate::Weigh::scores,
          .normalise = gate::Normalise::no,
          .epsilon = 0.0f,
          .scaling = 1.0f,
          .per_expert_scale = false,
          .ids_from_table = false,
          .shared_experts = 0u};
}

// Whether the chosen experts are the k largest, ties aside.
bool follows(std::span<const float> logits, std::span<const int32_t> ids) {
  float least = std::numeric_limits<float>::infinity();
  for (const int32_t id : ids) {
    if (id < 0 || static_cast<size_t>(id) >= logits.size()) return false;
    least = std::min(least, logits[static_cast<size_t>(id)]);
  }
  size_t above = 0;
  for (const float logit : logits) above += logit > least ? 1u : 0u;
  return above < ids.size();
}

struct Fit {
  uint64_t rows = 0, following = 0;
  double share() const {
    return rows == 0 ? 1 : static_cast<double>(following) / static_cast<double>(rows);
  }
};

Fit fit_plain(const Record& record, const LayerLog& log) {
  Fit fit;
  for (uint32_t row = 0; row < record.rows; ++row) {
    const std::span<const int32_t> ids = record.ids(log, row);
    const std::span<const float> logits =
        std::span(log.logits).subspan(size_t{row} * record.logit_columns, record.logit_columns);
    if (!recorded(ids) || std::isnan(logits[0])) continue;
    ++fit.rows;
    fit.following += follows(logits, ids) ? 1u : 0u;
  }
  return fit;
}

// With a selection bias that nobody recorded: fitted by the perceptron's rule (Rosenblatt 1958),
// which finds one if there is one. Best share over the rounds.
double fit_bias(const Record& record, const LayerLog& log, const gate::GateSpec& spec) {
  const uint32_t experts = record.logit_columns, k = record.k;
  std::vector<float> bias(experts, 0.0f);
  std::vector<int32_t> top(k);
  const uint32_t step = std::max(record.rows / kMostFitted, 1u);
  double best = 0;
  float rate = 0.05f;
  for (int round = 0; round < kMostRounds; ++round) {
    Fit fit;
    for (uint64_t row = 0; row < record.rows; row += step) {
      const std::span<const int32_t> ids = record.ids(log, row);
      const std::span<const float> logits = std::span(log.logits).subspan(row * experts, experts);
      if (!recorded(ids) || std::isnan(logits[0])) continue;
      ++fit.rows;
      gate::select(spec, logits, bias, top);
      bool same = true;
      for (const int32_t id : ids) {
        if (id < 0 || static_cast<uint32_t>(id) >= experts) return 0;
        if (std::find(top.begin(), top.end(), id) != top.end()) continue;
        bias[static_cast<size_t>(id)] += rate;
        same = false;
      }
      for (const int32_t id : top) {
        if (std::find(ids.begin(), ids.end(), id) == ids.end()) {
          bias[static_cast<size_t>(id)] -= rate;
        }
      }
      fit.following += same ? 1u : 0u;
    }
    if (fit.share() > best) best = fit.share();
    if (best == 1 || (round == kHopeless && best < 0.5)) break;
    rate *= 0.97f;
  }
  return best;
}

struct LayerFit {
  double plain = 1, softmax = 0, sigmoid = 0;
};

void check_counts(const CheckInput& input, CheckResult& result) {
  const Record& record = input.record;
  if (!input.model || record.experts == 0) return;
  const ModelFacts& model = *input.model;
  if (record.experts == model.gate.experts) return;
  Finding finding;
  const bool hidden = record.experts == model.width;
  finding.found = fmt::format(
      "{} numbers per row where the model has {} experts{}", record.experts,
      model.gate.experts.value,
      hidden ? ": that is its hidden size, so hidden states were recorded, not router logits" : "");
  finding.evidence = {{"experts", record.experts},
                      {"model_experts", model.gate.experts.value},
                      {"hidden_size", model.width}};
  finding.consequence = "Nothing computed from the log is about routing.";
  finding.repair =
      "Hook the router itself (its weight has one row per expert), not the block that "
      "holds it.";
  result.findings.push_back(std::move(finding));
}

}  // namespace

CheckResult check_router(const CheckInput& input) {
  const Record& record = input.record;
  CheckResult result;
  check_counts(input, result);
  if (!result.findings.empty()) return result;
  const bool any_logits = std::any_of(record.layers.begin(), record.layers.end(),
                                      [](const LayerLog& log) { return !log.logits.empty(); });
  if (!any_logits || record.ids_from_logits || record.logit_columns <= record.k ||
      record.logit_columns > gate::kMaxExperts) {
    if (!input.model || record.experts == 0) {
      result.not_checked = any_logits ? "ids were derived from the logits; needs --model"
                                      : "needs logits, or --model and the log's number of experts";
    }
    return result;
  }
  std::vector<LayerFit> fits(record.layers.size());
  const double wanted = input.thresholds.choice_share;
  parallel_for(fits.size(), input.threads, [&](size_t at, int) {
    const LayerLog& log = record.layers[at];
    if (log.logits.empty()) return;
    LayerFit& fit = fits[at];
    fit.plain = fit_plain(record, log).share();
    if (fit.plain >= wanted) return;
    const auto gate_of = [&](gate::Score score) {
      if (input.model && input.model->gate.groups > 1 && input.model->gate.selection_bias &&
          input.model->gate.top_k == record.k && input.model->gate.score.value == score) {
        return input.model->gate;  // with its groups
      }
      return plain_gate(record.logit_columns, record.k, score, true);
    };
    fit.softmax = fit_bias(record, log, gate_of(gate::Score::softmax));
    if (fit.softmax < wanted) fit.sigmoid = fit_bias(record, log, gate_of(gate::Score::sigmoid));
  });
  Finding finding;
  double best = 0, plain = 1;
  for (size_t at = 0; at < fits.size(); ++at) {
    const LayerFit& fit = fits[at];
    if (std::max({fit.plain, fit.softmax, fit.sigmoid}) >= wanted) continue;
    finding.layers.push_back(record.layers[at].layer);
    best = std::max({best, fit.plain, fit.softmax, fit.sigmoid});
    plain = std::min(plain, fit.plain);
  }
  if (finding.layers.empty()) return result;
  finding.found = fmt::format(
      "the choice doesn't follow from the logits: their top {} are the recorded experts in {:.1f} "
      "% "
      "of rows, and in {:.1f} % at most with any bias on softmax or sigmoid scores",
      record.k, 100 * plain, 100 * best);
  finding.evidence = {{"plain_share", plain}, {"best_share_with_bias", best}};
  finding.consequence =
      "Logits and ids are of different things: margins, entropy of "
      "probabilities and replay are wrong.";
  finding.repair = "Find out what was recorded as logits; use the ids only.";
  result.findings.push_back(std::move(finding));
  return result;
}

}  // namespace rg::logs
