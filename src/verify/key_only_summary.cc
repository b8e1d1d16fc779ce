#include "verify/key_only_summary.h"

#include <algorithm>
#include <chrono>

namespace rg::verify::key_only {
namespace {

using kv::below;
using Path = Claims::Path;

void claim_block(const kv::Series& series, const Path& at, Claims& claims) {
  claims.mean(below(at, "mean"), series.estimate);
  claims.interval(below(at, "ci95"), series.interval());
}

double as_number(int64_t count) { return static_cast<double>(count); }

// The expected overlap of two independent sets; shares of chosen experts.
double chance(const std::vector<int64_t>& a, int64_t rows_a, const std::vector<int64_t>& b,
              int64_t rows_b, uint32_t topk) {
  double sum = 0;
  for (size_t e = 0; e < a.size(); ++e) {
    sum += as_number(a[e]) / as_number(rows_a) * (as_number(b[e]) / as_number(rows_b));
  }
  return sum / topk;
}

// What of an entry follows from its own lists.
void claim_choices(const Entry& entry, const Path& at, Claims& claims) {
  if (entry.model == "ridge") {
    const Grid* best = nullptr;
    for (const Grid& point : entry.grid) {
      if (point.error && (best == nullptr || *point.error < *best->error)) best = &point;
    }
    if (best != nullptr) claims.mean(below(at, "lambda"), best->lambda);
  } else if (entry.model == "mlp") {
    const auto best = std::min_element(entry.path.begin(), entry.path.end());
    claims.count(below(at, "best_epoch"), best - entry.path.begin());
  }
}

// One layer's members.
class LayerClaims {
 public:
  LayerClaims(const Case& c, const Record& record, int number, const Layer& layer, Claims& claims)
      : c_(c),
        record_(record),
        key_(std::to_string(number)),
        layer_(layer),
        at_({"summary", "per_layer", key_}),
        claims_(claims) {}

  void claim(const LayerBootstrap& bootstrap, const SharedBlocks& blocks) {
    stated();
    numbers();
    for (size_t i = 0; i < layer_.predictors.size(); ++i) predictor(i, bootstrap);
    claims_.absent(below(at_, "predictors", std::to_string(layer_.predictors.size())));
    for (size_t i = kPrevious; i < kFeatures; ++i) {
      const std::optional<size_t> index = chosen_entry(layer_, i);
      std::optional<std::string> model;
      if (index) model = layer_.predictors[*index].model;
      claims_.text(below(at_, "chosen", kFeatureNames[i]), model);
    }
    for (size_t i = 0; i < kGaps; ++i) {
      claim_block(blocks[kFirstGap + i], below(at_, kGapsOf[i].name), claims_);
    }
    const kv::Outcome outcome = outcome_of_gap(blocks[kFirstGap + kKeyGap].interval());
    claims_.text(below(at_, "key_gap", "outcome"), kv::name_of(outcome));
    claims_.text(below(at_, "sentence"),
                 sentence_of(outcome, blocks[kFirstGap + kConstantGap].interval()));
    for (size_t i = 0; i < kCeilingNames.size(); ++i) {
      claim_block(blocks[kFirstCeiling + i], below(at_, "ceiling", kCeilingNames[i]), claims_);
    }
    claims_.mean(below(at_, "oracle"), oracle());
    claims_.flag(below(at_, "sound"), sound());
  }

  // The overlap of the ridge from the router's own input.
  std::optional<double> oracle() const {
    const Entry& entry = layer_.predictors[entry_index(record_, kGateInput, "ridge")];
    if (entry.refused) return std::nullopt;
    return kv::quotient(as_number(sum_of(entry.common)),
                        as_number(c_.header.topk * record_.rows.tests));
  }
  bool sound() const { return oracle().value_or(0) >= kSound; }
  double rows_per_feature() const {
    int64_t widest = 0;
    for (const Entry& entry : layer_.predictors) widest = std::max(widest, entry.width);
    return widest == 0 ? 0 : as_number(record_.rows.fitted) / as_number(widest);
  }

 private:
  void stated() {
    if (layer_.rank) {
      const double seen = as_number(*layer_.rank) / as_number(layer_.architecture.residual_width);
      claims_.mean({"geometry", key_, "eta_null"}, 1 - seen);
    }
    for (size_t i = 0; i < layer_.predictors.size(); ++i) {
      const Entry& entry = layer_.predictors[i];
      if (!entry.refused) claim_choices(entry, {"predictors", key_, std::to_string(i)}, claims_);
    }
  }

  void numbers() {
    const Truth& truth = layer_.truth;
    const Rows& rows = record_.rows;
    const uint32_t topk = c_.header.topk;
    claims_.mean(below(at_, "rows_per_feature"), rows_per_feature());
    claims_.mean(below(at_, "chance"),
                 chance(truth.test_chosen, rows.tests, truth.test_chosen, rows.tests, topk));
    claims_.mean(below(at_, "chance_from_fitted"),
                 chance(truth.fitted_chosen, rows.fitted, truth.test_chosen, rows.tests, topk));
  }

  void predictor(size_t index, const LayerBootstrap& bootstrap) {
    const Entry& entry = layer_.predictors[index];
    const Path at = below(at_, "predictors", std::to_string(index));
    if (entry.refused) return claims_.mean(at, std::nullopt, Check::summary_exact);
    const EntryBlocks blocks = bootstrap.entry(index);
    claim_block(blocks.overlap, below(at, "overlap"), claims_);
    claim_block(blocks.exact, below(at, "exact"), claims_);
    claim_block(blocks.top1, below(at, "top1"), claims_);
    claim_block(blocks.mass, below(at, "mass"), claims_);
    claim_block(blocks.r2, below(at, "r2"), claims_);
    for (size_t b = 0; b < kBudgets; ++b) {
      claim_block(blocks.hits[b], below(at, "hits", std::to_string(b)), claims_);
    }
    claims_.absent(below(at, "hits", std::to_string(kBudgets)));
    for (size_t i = 0; i < kMargins; ++i) {
      const int64_t cases = c_.header.topk * layer_.truth.margin_rows[i];
      claims_.mean(below(at, "by_margin", std::to_string(i)),
                   kv::quotient(as_number(entry.margin_common[i]), as_number(cases)));
    }
    claims_.absent(below(at, "by_margin", std::to_string(kMargins)));
  }

  const Case& c_;
  const Record& record_;
  std::string key_;
  const Layer& layer_;
  Path at_;
  Claims& claims_;
};

void claim_model(const Record& record, const Model& model, Claims& claims) {
  const Path at = {"summary", "verdict"};
  const bool degenerate = !model.degenerate.empty();
  claims.mean(below(at, "margin"), kv::kMargin);
  claims.text(below(at, "outcome"), degenerate ? "DEGENERATE" : kv::name_of(model.outcome));
  std::optional<std::string> why;
  if (degenerate) why = model.degenerate;
  claims.text(below(at, "degenerate"), why);
  claims.text(below(at, "sentence"), model.sentence);
  for (size_t i = 0; i < kFeatures; ++i) {
    claim_block(model.overlap(i), below(at, "overlap", kFeatureNames[i]), claims);
  }
  claims.text(below(at, "place"), place_of(model.overlap(kResidual).interval()));
  for (size_t i = 0; i < kCeilingNames.size(); ++i) {
    claim_block(model.blocks[kFirstCeiling + i], below(at, "ceiling", kCeilingNames[i]), claims);
  }
  for (size_t i = 0; i < kGaps; ++i) {
    claim_block(model.gap(i), below(at, kGapsOf[i].name), claims);
  }
  claims.mean(below(at, "oracle"), model.oracle);
  claims.mean(below(at, "rows_per_feature"), model.rows_per_feature);
  claims.count(below(at, "fitted_documents"), record.split.fitted);
  const Path replication = {"summary", "replication"};
  claim_replication(claims, replication, model.replication);
  claims.text(below(replication, "unit"), "document");
}

// The smallest oracle and rows per feature; none where a layer's oracle is.
class Smallest {
 public:
  void add(const LayerClaims& layer) {
    const std::optional<double> oracle = layer.oracle();
    if (!oracle) missing_ = true;
    oracle_ = std::min(oracle_.value_or(1), oracle.value_or(1));
    const double rows = layer.rows_per_feature();
    rows_ = std::min(rows_.value_or(rows), rows);
  }
  std::optional<double> oracle() const { return missing_ ? std::nullopt : oracle_; }
  std::optional<double> rows() const { return missing_ ? std::nullopt : rows_; }

 private:
  bool missing_ = false;
  std::optional<double> oracle_, rows_;
};

}  // namespace

Model claim_summary(const Case& c, const Record& record, Claims& claims) {
  const auto start = std::chrono::steady_clock::now();
  check_work(c, record);
  claims.interval({"summary", "anchors", "published_pre_attention"}, kPublished);
  const Settings settings{*c.header.seed, *c.header.replicates, c.inspect.options().threads};
  Model model;
  ModelMeans means;
  Smallest smallest;
  for (const auto& [number, layer] : record.layers) {
    LayerBootstrap bootstrap(c, record, layer, LayerBootstrap::Extent::summary);
    bootstrap.resample(settings);
    const SharedBlocks blocks = bootstrap.shared();
    LayerClaims of_layer(c, record, number, layer, claims);
    of_layer.claim(bootstrap, blocks);
    if (!kv::is_required(c, number)) continue;
    means.add(blocks);
    smallest.add(of_layer);
    if (!of_layer.sound()) model.unsound.push_back(number);
    const bool complete =
        blocks[kFirstGap + kKeyGap].estimate && blocks[kFirstGap + kAttentionGap].estimate;
    if (!complete) model.incomplete.push_back(number);
  }
  model.blocks = means.mean(settings.replicates);
  model.oracle = smallest.oracle();
  model.rows_per_feature = smallest.rows();
  model.outcome = outcome_of_gap(model.gap(kKeyGap).interval());
  if (c.header.required.empty()) {
    model.degenerate = "layers";
  } else if (!model.unsound.empty()) {
    model.degenerate = "pipeline";
  } else if (!model.incomplete.empty()) {
    model.degenerate = "predictors";
  } else {
    model.sentence = sentence_of(model.outcome, model.gap(kConstantGap).interval());
    model.replication = replication_of(static_cast<uint64_t>(record.split.units),
                                       distance_of(model.gap(kKeyGap), model.outcome));
  }
  // The summary speaks of the artifact's own list of layers.
  if (!c.header.required_by_verifier) claim_model(record, model, claims);
  c.inspect.judgement().bootstrap_seconds +=
      std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return model;
}

}  // namespace rg::verify::key_only
