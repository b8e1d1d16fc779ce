#include "verify/kv_distortion_summary.h"

#include <algorithm>
#include <cmath>

namespace rg::verify::distortion {
namespace {

using kv::below;
using Path = Claims::Path;

// Mean of numbers some of which may be undefined, added in order.
class MeanOfDefined {
 public:
  void add(const std::optional<double>& value) {
    if (!value) return;
    sum_ += *value;
    ++count_;
  }
  std::optional<double> mean() const { return kv::quotient(sum_, count_); }

 private:
  double sum_ = 0, count_ = 0;
};

std::optional<double> larger(const std::optional<double>& a, const std::optional<double>& b) {
  if (!a || !b) return a ? a : b;
  return std::max(*a, *b);
}

// What a measurement says beside its blocks.
struct Rest {
  std::array<std::optional<double>, kBounds> vacuous;  // shares of cases
  std::optional<double> direction;
  std::array<std::optional<double>, kBounds> excess;
};

Rest rest_of(const Layer& layer, size_t code, size_t measurement) {
  Rest rest;
  const Sums sums = layer.codes[code].of[measurement].total();
  const double cases = total(layer.cases).sum;
  for (size_t i = 0; i < kBounds; ++i) rest.vacuous[i] = kv::quotient(sums.vacuous[i], cases);
  const auto square = kv::quotient(sums.sums[kScoreSquares], sums.sums[kIsotropicSquares]);
  if (square) rest.direction = std::sqrt(*square);
  for (const Head& head : layer.heads) {
    for (size_t i = 0; i < kBounds; ++i) {
      rest.excess[i] = larger(rest.excess[i], head.codes[code].of[measurement].excess[i]);
    }
  }
  return rest;
}

void claim_measurement(const Blocks& blocks, const Rest& rest, size_t documents, const Path& at,
                       Claims& claims) {
  for (size_t i = 0; i < blocks.size(); ++i) {
    claims.mean(below(at, kBlockNames[i], "mean"), blocks[i].estimate);
    claims.interval(below(at, kBlockNames[i], "ci95"), blocks[i].interval());
  }
  claims.text(below(at, "calibration"), calibration_of(blocks, documents));
  claims.near(below(at, "direction"), rest.direction, Check::summary_mean);
  for (size_t i = 0; i < kBounds; ++i) {
    claims.mean(below(at, "vacuous", kBoundNames[i]), rest.vacuous[i]);
    claims.mean(below(at, "excess", kBoundNames[i]), rest.excess[i]);
  }
}

// Relative errors of a code, mean over heads.
struct Errors {
  std::optional<double> keys, values;
};

Errors errors_of(const Layer& layer, size_t code) {
  MeanOfDefined keys, values;
  for (const Head& head : layer.heads) {
    keys.add(kv::quotient(head.codes[code].key_error, head.key_energy));
    values.add(kv::quotient(head.codes[code].value_error, head.value_energy));
  }
  return {keys.mean(), values.mean()};
}

void claim_errors(const Code& code, const Errors& errors, const Path& at, Claims& claims) {
  claims.mean(below(at, "key_error"), errors.keys);
  if (code.values) {
    claims.mean(below(at, "value_error"), errors.values);
  } else {
    claims.absent(below(at, "value_error"));
  }
}

// One code over the layers that the verdict asks for, as far as they have it and cases.
struct CodeOfModel {
  int64_t layers = 0;
  std::array<MeanOfBlocks, kMeasurements> blocks;
  struct Means {
    std::array<MeanOfDefined, kBounds> vacuous;
    MeanOfDefined direction;
    std::array<std::optional<double>, kBounds> excess;

    void add(const Rest& rest) {
      direction.add(rest.direction);
      for (size_t i = 0; i < kBounds; ++i) {
        vacuous[i].add(rest.vacuous[i]);
        excess[i] = larger(excess[i], rest.excess[i]);
      }
    }
    Rest rest() const {
      Rest rest;
      rest.direction = direction.mean();
      rest.excess = excess;
      for (size_t i = 0; i < kBounds; ++i) rest.vacuous[i] = vacuous[i].mean();
      return rest;
    }
  };
  std::array<Means, kMeasurements> means;
  MeanOfDefined keys, values;
};

class Summary {
 public:
  Summary(const Case& c, const Record& record, const DocumentBootstrap& bootstrap, Claims& claims)
      : c_(c),
        record_(record),
        bootstrap_(bootstrap),
        claims_(claims),
        codes_(record.codes.size()) {}

  Model claim() {
    claim_distortion_anchors();
    for (const auto& [number, layer] : record_.layers) claim_layer(number, layer);
    model_.degenerate = c_.header.required.empty() || !model_.without_cases.empty();
    claim_codes();
    for (size_t i = model_.plain.size(); i > 0; --i) {
      if (model_.plain[i - 1].calibration != "CALIBRATED") break;
      model_.calibrated_from = model_.plain[i - 1].bits;
    }
    claim_verdict();
    return model_;
  }

 private:
  size_t documents() const { return record_.measured.n_documents; }
  // The summary speaks of the artifact's own list of layers.
  bool own_layers() const { return !c_.header.required_by_verifier; }

  void claim_distortion_anchors() {
    const Path at = {"summary", "anchors", "gaussian_mse"};
    for (size_t i = 0; i < kGaussianMse.size(); ++i) {
      claims_.mean(below(at, std::to_string(i)), kGaussianMse[i]);
    }
    claims_.absent(below(at, std::to_string(kGaussianMse.size())));
  }

  void claim_layer(int number, const Layer& layer) {
    const Path at = {"summary", "per_layer", std::to_string(number)};
    const auto cases = static_cast<int64_t>(total(layer.cases).sum);
    claims_.count(below(at, "cases"), cases);
    claims_.count(below(at, "trivial"), static_cast<int64_t>(total(layer.trivial).sum));
    for (size_t i = 0; i < record_.codes.size(); ++i) {
      claim_code_of_layer(number, layer, i, below(at, "codes", std::to_string(i)));
    }
    claims_.absent(below(at, "codes", std::to_string(record_.codes.size())));
    if (!kv::is_required(c_, number)) return;
    model_.cases += cases;
    if (std::any_of(layer.heads.begin(), layer.heads.end(),
                    [](const Head& head) { return head.cases == 0; })) {
      model_.without_cases.push_back(number);
    }
    find_largest_excess(number, layer);
  }

  void claim_code_of_layer(int number, const Layer& layer, size_t code, const Path& at) {
    if (layer.codes[code].refused) {
      claims_.mean(at, std::nullopt, Check::summary_exact);
      return;
    }
    constexpr double kBitsOfScale = 16;
    const Code& of = record_.codes[code];
    const double scale =
        of.scale == "key" ? kBitsOfScale / static_cast<double>(layer.attention.width) : 0;
    claims_.mean(below(at, "stored_bits"), static_cast<double>(of.bits) + scale);
    const Errors errors = errors_of(layer, code);
    claim_errors(of, errors, at, claims_);
    const bool counted = kv::is_required(c_, number) && layer.has_cases();
    CodeOfModel& model = codes_[code];
    for (size_t m = 0; m < kMeasurements; ++m) {
      const Blocks blocks = bootstrap_.blocks(number, code, m);
      const Rest rest = rest_of(layer, code, m);
      claim_measurement(blocks, rest, documents(), below(at, kMeasurementNames[m]), claims_);
      if (!counted) continue;
      model.blocks[m].add(blocks);
      model.means[m].add(rest);
    }
    if (!counted) return;
    ++model.layers;
    model.keys.add(errors.keys);
    model.values.add(errors.values);
  }

  void find_largest_excess(int number, const Layer& layer) {
    for (size_t h = 0; h < layer.heads.size(); ++h) {
      for (size_t i = 0; i < record_.codes.size(); ++i) {
        if (layer.codes[i].refused) continue;
        for (size_t m = 0; m < kMeasurements; ++m) {
          const auto& excess = layer.heads[h].codes[i].of[m].excess;
          for (size_t b = 0; b < kBounds; ++b) {
            if (!excess[b] || (model_.largest && model_.largest->value >= *excess[b])) continue;
            model_.largest = Excess{*excess[b], number, h, i, m, b};
          }
        }
      }
    }
  }

  // Those of the model; their plain ones are kept.
  void claim_codes() {
    const Path list = {"summary", "codes"};
    for (size_t i = 0; i < record_.codes.size(); ++i) {
      const Code& of = record_.codes[i];
      const CodeOfModel& code = codes_[i];
      const Path at = below(list, std::to_string(i));
      if (of.plain()) model_.plain.emplace_back().bits = of.bits;
      if (code.layers == 0) {
        if (own_layers()) claims_.mean(at, std::nullopt, Check::summary_exact);
        continue;
      }
      std::array<Blocks, kMeasurements> blocks;
      for (size_t m = 0; m < kMeasurements; ++m) {
        blocks[m] = code.blocks[m].mean(bootstrap_.replicates());
      }
      if (of.plain()) keep_plain(blocks[0], code.means[0].rest(), code.keys.mean());
      if (!own_layers()) continue;
      claims_.count(below(at, "layers"), code.layers);
      claim_errors(of, {code.keys.mean(), code.values.mean()}, at, claims_);
      for (size_t m = 0; m < kMeasurements; ++m) {
        claim_measurement(blocks[m], code.means[m].rest(), documents(),
                          below(at, kMeasurementNames[m]), claims_);
      }
    }
    if (own_layers()) claims_.absent(below(list, std::to_string(record_.codes.size())));
  }

  void keep_plain(const Blocks& blocks, const Rest& rest, std::optional<double> key_error) {
    PlainCode& plain = model_.plain.back();
    plain.error = blocks[kMeanError];
    plain.ratio = blocks[kRatio];
    plain.slope = blocks[kSlope];
    plain.calibration = calibration_of(blocks, documents());
    plain.vacuous = rest.vacuous[1];
    plain.key_error = key_error;
  }

  void claim_verdict() {
    if (!own_layers()) return;
    const Path at = {"summary", "verdict"};
    claims_.mean(below(at, "allowance"), kAllowance);
    claims_.interval(below(at, "range"), kCalibrated);
    claims_.text(below(at, "outcome"), !model_.bounds_hold() ? "BROKEN"
                                       : model_.degenerate   ? "DEGENERATE"
                                                             : "HOLDS");
    claims_.flag(below(at, "bounds_hold"), model_.bounds_hold());
    std::optional<double> largest;
    if (model_.largest) largest = model_.largest->value;
    claims_.mean(below(at, "largest_excess"), largest);
    for (size_t i = 0; i < model_.plain.size(); ++i) {
      const PlainCode& plain = model_.plain[i];
      const Path row = below(at, "forecast", std::to_string(i));
      claims_.count(below(row, "bits"), plain.bits);
      for (const auto& [name, series] :
           {std::pair{"ratio", &plain.ratio}, {"slope", &plain.slope}}) {
        claims_.mean(below(row, name, "mean"), series->estimate);
        claims_.interval(below(row, name, "ci95"), series->interval());
      }
      claims_.text(below(row, "calibration"), plain.calibration);
    }
    claims_.absent(below(at, "forecast", std::to_string(model_.plain.size())));
    claims_.count(below(at, "calibrated_from"), model_.calibrated_from, Check::summary_exact);
    claims_.count(below(at, "cases"), model_.cases);
    claims_.count(below(at, "documents"), static_cast<int64_t>(documents()));
  }

  const Case& c_;
  const Record& record_;
  const DocumentBootstrap& bootstrap_;
  Claims& claims_;
  Model model_;
  std::vector<CodeOfModel> codes_;
};

}  // namespace

Model claim_summary(const Case& c, const Record& record, const DocumentBootstrap& bootstrap,
                    Claims& claims) {
  return Summary(c, record, bootstrap, claims).claim();
}

}  // namespace rg::verify::distortion
