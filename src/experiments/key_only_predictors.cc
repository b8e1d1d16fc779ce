#include "experiments/key_only_predictors.h"

#include <algorithm>
#include <cmath>

#include "readout/ceiling.h"
#include "readout/evaluate.h"

namespace rg::experiments {
namespace {

using readout::Part;
using readout::ScoreSums;

constexpr float kLargestFeature = 1e15f;
constexpr uint32_t kMlpBatch = 256;
// Products of smaller networks than this many weights end before other threads have woken up.
constexpr uint64_t kWeightsForThreads = uint64_t{1} << 17;

bool sound(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(),
                     [](float value) { return std::abs(value) <= kLargestFeature; });
}

// The signs of a key, of zero +1, times the mean size of what shares a scale.
std::vector<float> signs_of(const RouterRows& rows) {
  std::vector<float> out(rows.keys.span().begin(), rows.keys.span().end());
  for (size_t at = 0; at < out.size();) {
    for (const uint32_t part : rows.key_parts) {
      const std::span<float> code = std::span(out).subspan(at, part);
      double sum = 0;
      for (const float value : code) sum += static_cast<double>(std::abs(value));
      const auto scale = static_cast<float>(sum / part);
      for (float& value : code) value = value < 0 ? -scale : scale;
      at += part;
    }
  }
  return out;
}

std::vector<float> keys_then_values(const RouterRows& rows) {
  std::vector<float> out;
  out.reserve(rows.keys.size() + rows.values.size());
  for (size_t n = 0; n < rows.rows(); ++n) {
    const auto append = [&](const Buffer<float>& from, size_t columns) {
      out.insert(out.end(), from.data() + n * columns, from.data() + (n + 1) * columns);
    };
    append(rows.keys, rows.key_columns);
    append(rows.values, rows.value_columns);
  }
  return out;
}

// |T and T'|, of a sum of shares of k.
uint64_t cases(double share, uint32_t top_k) {
  return static_cast<uint64_t>(std::llround(share * top_k));
}
uint64_t count(double rows) { return static_cast<uint64_t>(std::llround(rows)); }

class LayerStudy {
 public:
  LayerStudy(const readout::Gate& gate, const readout::Routes& routes, const RouterSplit& split,
             const RouterRows& rows, const RouterFit& fit)
      : split_(split),
        rows_(rows),
        fit_(fit),
        experiment_{.gate = gate,
                    .routes = routes,
                    .document_of_row = split.document_of_row,
                    .parts = split.parts} {}

  RouterPredictors run() {
    add_truth();
    const readout::MeanReport means = readout::evaluate_means(experiment_, rows_.ids);
    RouterPredictor& token = out_.all.emplace_back();
    token.features = "token";
    token.model = "mean";
    add_scores(means.scores, means.choosing, token);
    const auto width = static_cast<uint32_t>(rows_.residual.size() / rows_.rows());
    add("previous", rows_.previous.span(), width, "no MoE layer before it");
    add("keys", rows_.keys.span(), rows_.key_columns, "");
    add("signs", signs_of(rows_), rows_.key_columns, "");
    const bool values = rows_.value_columns > 0;
    add("keys_values", values ? keys_then_values(rows_) : std::vector<float>(),
        rows_.key_columns + rows_.value_columns, "keys and values share one latent");
    add("residual", rows_.residual.span(), width, "");
    add("gate_input", rows_.gate_input.span(), width, "");
    return std::move(out_);
  }

 private:
  void add_truth();
  void add(const char* features, std::span<const float> values, uint32_t width,
           const char* missing);
  void add_linear(const char* model, const readout::RidgeReport& report, RouterPredictor predictor);
  void add_mlp(const readout::FeatureRows& features, RouterPredictor predictor);
  void add_scores(const std::vector<readout::DocumentScores>& scores, const ScoreSums& choosing,
                  RouterPredictor& predictor) const;
  RouterCeiling ceiling_of(const readout::LinearReadout& readout,
                           const readout::FeatureRows& features) const;
  std::vector<uint32_t> part_rows(Part part) const {
    return readout::rows_of(part, split_.parts, split_.document_of_row);
  }
  std::vector<uint64_t> chosen_in(Part part) const;
  size_t unit_of(uint32_t document) const {
    return static_cast<size_t>(split_.unit_of_document[document]);
  }

  const RouterSplit& split_;
  const RouterRows& rows_;
  const RouterFit& fit_;
  const readout::Experiment experiment_;
  RouterPredictors out_;
};

std::vector<uint64_t> LayerStudy::chosen_in(Part part) const {
  const readout::Routes& routes = experiment_.routes;
  std::vector<uint64_t> out(routes.experts, 0);
  for (const uint32_t n : part_rows(part)) {
    for (const int32_t expert : routes.set_of(n)) ++out[static_cast<size_t>(expert)];
  }
  return out;
}

// The best set, and what every predictor's numbers are compared with.
void LayerStudy::add_truth() {
  const readout::ConstantReport constant = readout::evaluate_constant(experiment_);
  const std::vector<float>& weights = experiment_.routes.weights;
  out_.negative_weights =
      std::any_of(weights.begin(), weights.end(), [](float weight) { return !(weight >= 0); });
  out_.fitted_chosen = chosen_in(Part::train);
  out_.test_chosen = chosen_in(Part::test);
  out_.energy.assign(split_.units, 0);
  for (const readout::DocumentScores& document : constant.scores) {
    out_.energy[unit_of(document.document)] += document.total().energy;
    for (size_t d = 0; d < document.deciles.size(); ++d) {
      out_.margin_rows[d] += count(document.deciles[d].rows);
    }
  }
  RouterPredictor& best = out_.all.emplace_back();
  best.features = "none";
  best.model = "best_set";
  add_scores(constant.scores, constant.choosing, best);
}

void LayerStudy::add_scores(const std::vector<readout::DocumentScores>& scores,
                            const ScoreSums& choosing, RouterPredictor& predictor) const {
  const uint32_t k = experiment_.gate.top_k();
  for (std::vector<uint64_t>* const counts :
       {&predictor.common, &predictor.exact, &predictor.top1, &predictor.hits[0],
        &predictor.hits[1], &predictor.hits[2]}) {
    counts->assign(split_.units, 0);
  }
  predictor.mass.assign(split_.units, 0);
  predictor.error.assign(split_.units, 0);
  predictor.choosing_common = cases(choosing.overlap, k);
  for (const readout::DocumentScores& document : scores) {
    const size_t unit = unit_of(document.document);
    const ScoreSums sums = document.total();
    predictor.common[unit] += cases(sums.overlap, k);
    predictor.exact[unit] += count(sums.exact);
    predictor.top1[unit] += count(sums.top1);
    for (size_t b = 0; b < kRouterBudgets; ++b) predictor.hits[b][unit] += cases(sums.hits[b], k);
    predictor.mass[unit] += sums.mass;
    predictor.error[unit] += sums.error;
    for (size_t d = 0; d < document.deciles.size(); ++d) {
      predictor.margin_common[d] += cases(document.deciles[d].overlap, k);
    }
  }
}

void LayerStudy::add(const char* features, std::span<const float> values, uint32_t width,
                     const char* missing) {
  RouterPredictor predictor;
  predictor.features = features;
  if (values.empty()) {
    predictor.refused = missing;
    for (const char* const model : kRouterModels) {
      if (fit_.mlp_hidden == 0 && model == kRouterModels[2]) continue;
      predictor.model = model;
      out_.all.push_back(predictor);
    }
    return;
  }
  predictor.width = width;
  const readout::FeatureRows rows{.values = values, .width = width};
  const std::vector<double> grid = readout::ridge_grid();
  const readout::LinearReports linear =
      readout::evaluate_linear(experiment_, rows, grid, fit_.threads);
  add_linear("closed_form", linear.closed_form, predictor);
  add_linear("ridge", linear.ridge, predictor);
  if (predictor.features == "keys" && linear.ridge.readout) {
    out_.ceiling = ceiling_of(*linear.ridge.readout, rows);
  }
  if (fit_.mlp_hidden > 0) add_mlp(rows, predictor);
}

void LayerStudy::add_linear(const char* model, const readout::RidgeReport& report,
                            RouterPredictor predictor) {
  predictor.model = model;
  if (report.readout) {
    add_scores(report.scores, report.choosing, predictor);
    if (report.grid.size() > 1) {
      predictor.lambda = report.readout->lambda;
      for (size_t i = 0; i < report.grid.size(); ++i) {
        predictor.grid.emplace_back(report.grid[i], report.validation_error[i]);
      }
    }
  } else {
    predictor.refused = "the features' correlations are singular";
  }
  out_.all.push_back(std::move(predictor));
}

void LayerStudy::add_mlp(const readout::FeatureRows& features, RouterPredictor predictor) {
  const auto* const at =
      std::find(std::begin(kRouterFeatures), std::end(kRouterFeatures), predictor.features);
  readout::MlpOptions options;
  options.hidden = fit_.mlp_hidden;
  options.epochs = fit_.mlp_epochs;
  options.batch = kMlpBatch;
  options.source = {.seed = fit_.seed, .layer = static_cast<uint32_t>(fit_.layer)};
  options.number = static_cast<uint32_t>(at - std::begin(kRouterFeatures));
  const bool small = uint64_t{fit_.mlp_hidden} * features.width < kWeightsForThreads;
  options.threads = small ? 1 : fit_.threads;
  const readout::MlpReport report = readout::evaluate_mlp(experiment_, features, options);
  predictor.model = "mlp";
  predictor.path = report.fit.validation_loss;
  predictor.best_epoch = report.fit.best_epoch;
  add_scores(report.scores, report.choosing, predictor);
  out_.all.push_back(std::move(predictor));
}

// Covariance of what a readout misses on the documents that choose, (E, E).
linear::Matrix missed_covariance(const readout::Routes& routes, std::span<const uint32_t> rows,
                                 std::span<const float> predicted) {
  const auto experts = static_cast<Eigen::Index>(routes.experts);
  linear::Matrix missed(experts, static_cast<Eigen::Index>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    const std::span<const float> logits = routes.logits_of(rows[i]);
    for (size_t e = 0; e < routes.experts; ++e) {
      missed(static_cast<Eigen::Index>(e), static_cast<Eigen::Index>(i)) =
          static_cast<double>(logits[e]) - static_cast<double>(predicted[i * routes.experts + e]);
    }
  }
  missed.colwise() -= missed.rowwise().mean().eval();
  return missed * missed.transpose() / static_cast<double>(rows.size());
}

RouterCeiling LayerStudy::ceiling_of(const readout::LinearReadout& readout,
                                     const readout::FeatureRows& features) const {
  const std::vector<uint32_t> tests = part_rows(Part::test);
  const std::vector<uint32_t> choosing = part_rows(Part::validation);
  const linear::Matrix covariance = missed_covariance(
      experiment_.routes, choosing, readout::predict(readout, features, choosing, fit_.threads));
  const readout::Ceiling found = readout::gaussian_ceiling(
      experiment_.gate, readout::predict(readout, features, tests, fit_.threads), covariance,
      {.source = {.seed = fit_.seed, .layer = static_cast<uint32_t>(fit_.layer)},
       .draws = kCeilingDraws,
       .threads = fit_.threads});
  RouterCeiling out{.lower = std::vector<double>(split_.units, 0),
                    .upper = std::vector<double>(split_.units, 0)};
  for (size_t i = 0; i < tests.size(); ++i) {
    const size_t unit = unit_of(split_.document_of_row[tests[i]]);
    out.lower[unit] += found.lower[i];
    out.upper[unit] += found.upper[i];
  }
  return out;
}

}  // namespace

bool router_rows_are_sound(const RouterRows& rows) {
  return sound(rows.previous.span()) && sound(rows.keys.span()) && sound(rows.values.span()) &&
         sound(rows.residual.span()) && sound(rows.gate_input.span()) &&
         sound(rows.logits.span()) && sound(rows.raw.span());
}

RouterPredictors router_predictors(const readout::Gate& gate, const readout::Routes& routes,
                                   const RouterSplit& split, const RouterRows& rows,
                                   const RouterFit& fit) {
  return LayerStudy(gate, routes, split, rows, fit).run();
}

}  // namespace rg::experiments
