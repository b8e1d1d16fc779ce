#include "experiments/kv_distortion_summary.h"

#include <cmath>

#include "base/parallel.h"
#include "experiments/kv_distortion_arrays.h"
#include "experiments/kv_distortion_estimates.h"
#include "experiments/kv_gauge_estimates.h"
#include "experiments/unit_summary.h"

namespace rg::experiments {
namespace {

constexpr const char* kNoCases = "no query sees values that differ";
constexpr double kStoredScaleBits = 16;

// One code at one layer, or averaged over layers.
struct CodeEstimates {
  std::optional<KvDistortionEstimates> all, sinks_exact;  // both or none
  double key_error = kNaN, value_error = kNaN;            // relative; NaN without energy
  uint32_t layers = 0;                                    // that were averaged
};

// Mean over the heads with energy.
double relative_error(const KvDistortionLayer& layer, size_t code, double KvCodeResult::*error,
                      double KvHeadResult::*energy) {
  double sum = 0, heads = 0;
  for (const KvHeadResult& head : layer.heads) {
    if (!(head.*energy > 0)) continue;
    sum += head.codes[code].*error / head.*energy;
    heads += 1;
  }
  return heads == 0 ? kNaN : sum / heads;
}

CodeEstimates estimates_of(const KvDistortionLayer& layer, size_t code,
                           const KvDocuments& documents, const stats::CountTable& table) {
  if (!layer.heads[0].codes[code].refused.empty()) return {};
  return {
      .all = kv_distortion_estimates(layer, code, false, documents, table),
      .sinks_exact = kv_distortion_estimates(layer, code, true, documents, table),
      .key_error = relative_error(layer, code, &KvCodeResult::key_error, &KvHeadResult::key_energy),
      .value_error =
          relative_error(layer, code, &KvCodeResult::value_error, &KvHeadResult::value_energy)};
}

double mean_of_defined(const std::vector<const CodeEstimates*>& parts,
                       double CodeEstimates::*member) {
  double sum = 0, defined = 0;
  for (const CodeEstimates* const part : parts) {
    if (std::isnan(part->*member)) continue;
    sum += part->*member;
    defined += 1;
  }
  return defined == 0 ? kNaN : sum / defined;
}

// Over the layers that have the code, with cases; no layers: none has.
CodeEstimates mean_of_layers(const std::vector<CodeEstimates>& of_layers) {
  std::vector<const CodeEstimates*> parts;
  std::vector<const KvDistortionEstimates*> all, sinks_exact;
  for (const CodeEstimates& layer : of_layers) {
    if (!layer.all || !layer.sinks_exact) continue;
    parts.push_back(&layer);
    all.push_back(&*layer.all);
    sinks_exact.push_back(&*layer.sinks_exact);
  }
  if (parts.empty()) return {};
  return {.all = kv_distortion_mean(all),
          .sinks_exact = kv_distortion_mean(sinks_exact),
          .key_error = mean_of_defined(parts, &CodeEstimates::key_error),
          .value_error = mean_of_defined(parts, &CodeEstimates::value_error),
          .layers = static_cast<uint32_t>(parts.size())};
}

const stats::Replicates* block_of(const KvDistortionEstimates* found, KvBlock block) {
  return found == nullptr ? nullptr : &found->blocks[block];
}

// Estimates of codes over so many documents.
class EstimatesJson : public BlockJson {
 public:
  EstimatesJson(std::string path, size_t documents, Nulls& nulls)
      : BlockJson(nulls, std::move(path), {.absent = kNoCases, .undefined = "forecasts are 0"}),
        documents_(documents) {}

  Json measured(const std::optional<KvDistortionEstimates>& of) const {
    const KvDistortionEstimates* const found = of ? &*of : nullptr;
    Json out = Json::object();
    for (size_t b = 0; b < kKvBlockNames.size(); ++b) {
      out[kKvBlockNames[b]] = block(block_of(found, static_cast<KvBlock>(b)));
    }
    out["calibration"] = kv_calibration(found, documents_);
    out["vacuous"] = by_bound(
        [&](size_t b) { return number(found == nullptr ? kNaN : found->vacuous[b], kNoCases); });
    out["direction"] =
        number(found == nullptr ? kNaN : found->direction, "no coded key, or without error");
    out["excess"] = by_bound(
        [&](size_t b) { return number(found == nullptr ? kNaN : found->excess[b], kNoCases); });
    return out;
  }
  // After the first members of its own.
  void add(const CodeEstimates& found, bool values, Json& out) const {
    out["key_error"] = number(found.key_error, "all keys are 0");
    if (values) out["value_error"] = number(found.value_error, "all values are 0");
    out["all"] = measured(found.all);
    out["sinks_exact"] = measured(found.sinks_exact);
  }

 private:
  const size_t documents_;
};

double stored_bits_of(const KvCode& code, uint32_t width) {
  const double bits = code.spec.bits;
  return code.spec.scale_of == keys::ScaleOf::key ? bits + kStoredScaleBits / width : bits;
}

keys::DistortionSums counts_of(const KvDistortionLayer& layer) {
  keys::DistortionSums out;
  for (const KvHeadResult& head : layer.heads) out.add(head.codes[0].measured.all.sums);
  return out;
}

Json layer_json(const KvDistortionLayer& layer, const std::vector<KvCode>& codes,
                const std::vector<CodeEstimates>& found, const EstimatesJson& json) {
  Json of_codes = Json::array();
  for (size_t c = 0; c < codes.size(); ++c) {
    if (!layer.heads[0].codes[c].refused.empty()) {
      of_codes.push_back(json.null("the layer has no such code"));
      continue;
    }
    Json one = {{"stored_bits", stored_bits_of(codes[c], layer.width)}};
    json.add(found[c], codes[c].values, one);
    of_codes.push_back(std::move(one));
  }
  const keys::DistortionSums counts = counts_of(layer);
  return {{"cases", counts.cases}, {"trivial", counts.trivial}, {"codes", std::move(of_codes)}};
}

Json model_json(const std::vector<KvCode>& codes, const std::vector<CodeEstimates>& found,
                const EstimatesJson& json) {
  Json out = Json::array();
  for (size_t c = 0; c < codes.size(); ++c) {
    if (found[c].layers == 0) {
      out.push_back(json.null("no layer has such a code, with cases"));
      continue;
    }
    Json one = {{"layers", found[c].layers}};
    json.add(found[c], codes[c].values, one);
    out.push_back(std::move(one));
  }
  return out;
}

// The largest excess of any bound; NaN if there is none.
double largest_excess(const std::vector<KvDistortionLayer>& layers) {
  double out = kNaN;
  for (const KvDistortionLayer& layer : layers) {
    for (const KvHeadResult& head : layer.heads) {
      for (const KvCodeResult& code : head.codes) {
        if (!code.refused.empty()) continue;
        for (const KvMeasured* const one : {&code.measured.all, &code.measured.sinks_exact}) {
          for (const keys::BoundSummary& bound : one->summary.bounds) {
            if (std::isnan(out) || bound.largest_excess > out) out = bound.largest_excess;
          }
        }
      }
    }
  }
  return out;
}

bool has_head_without_cases(const std::vector<KvDistortionLayer>& layers) {
  for (const KvDistortionLayer& layer : layers) {
    for (const KvHeadResult& head : layer.heads) {
      if (head.codes[0].measured.all.sums.cases == 0) return true;
    }
  }
  return false;
}

Json verdict_json(const KvDistortionStudy& study, const std::vector<CodeEstimates>& model,
                  size_t documents, const EstimatesJson& json) {
  const double excess = largest_excess(study.layers);
  const bool hold = !(excess > kBoundAllowance);
  Json forecast = Json::array(), calibrated_from = nullptr;
  for (size_t c = 0; c < study.codes.size(); ++c) {
    if (!study.codes[c].plain()) continue;
    const KvDistortionEstimates* const found = model[c].all ? &*model[c].all : nullptr;
    const std::string_view calibration = kv_calibration(found, documents);
    forecast.push_back({{"bits", study.codes[c].spec.bits},
                        {"ratio", json.block(block_of(found, kRatio))},
                        {"slope", json.block(block_of(found, kSlope))},
                        {"calibration", calibration}});
    if (calibration != "CALIBRATED") {
      calibrated_from = nullptr;
    } else if (calibrated_from.is_null()) {
      calibrated_from = study.codes[c].spec.bits;
    }
  }
  if (calibrated_from.is_null()) {
    json.below("calibrated_from").null("the forecast isn't calibrated with the most bits");
  }
  uint64_t cases = 0;
  for (const KvDistortionLayer& layer : study.layers) cases += counts_of(layer).cases;
  const bool degenerate = study.layers.empty() || has_head_without_cases(study.layers);
  return {{"allowance", kBoundAllowance},
          {"range", {kCalibratedFrom, kCalibratedTo}},
          {"outcome", !hold        ? "BROKEN"
                      : degenerate ? "DEGENERATE"
                                   : "HOLDS"},
          {"bounds_hold", hold},
          {"largest_excess", json.below("largest_excess").number(excess, kNoCases)},
          {"forecast", std::move(forecast)},
          {"calibrated_from", std::move(calibrated_from)},
          {"cases", cases},
          {"documents", documents}};
}

}  // namespace

Json kv_distortion_summary(const KvDistortionStudy& study, Nulls& nulls) {
  const KvDocuments documents(study.contexts, study.window_document);
  const stats::CountTable table(documents.count, study.replicates, study.seed, kUnitDraws);
  const size_t layers = study.layers.size();
  std::vector<std::vector<CodeEstimates>> of_codes(study.codes.size(),
                                                   std::vector<CodeEstimates>(layers));
  std::vector<CodeEstimates> model(study.codes.size());
  parallel_for(study.codes.size(), study.threads, [&](size_t c, int) {
    for (size_t l = 0; l < layers; ++l) {
      of_codes[c][l] = estimates_of(study.layers[l], c, documents, table);
    }
    model[c] = mean_of_layers(of_codes[c]);
  });
  const auto json = [&](const std::string& path) {
    return EstimatesJson("summary." + path, documents.count, nulls);
  };
  Json per_layer = Json::object();
  for (size_t l = 0; l < layers; ++l) {
    const std::string key = layer_key(study.layers[l].layer);
    std::vector<CodeEstimates> found;
    for (const std::vector<CodeEstimates>& code : of_codes) found.push_back(code[l]);
    per_layer[key] = layer_json(study.layers[l], study.codes, found, json("per_layer." + key));
  }
  return {{"bootstrap", bootstrap_json(table, study.seed)},
          {"anchors", {{"gaussian_mse", {0.3634, 0.1175, 0.0345, 0.0095}}}},
          {"per_layer", std::move(per_layer)},
          {"codes", model_json(study.codes, model, json("codes"))},
          {"verdict", verdict_json(study, model, documents.count, json("verdict"))}};
}

}  // namespace rg::experiments
