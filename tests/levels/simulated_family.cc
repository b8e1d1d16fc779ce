// Tests of families: growth along an edge, and the association of drift and forgetting over runs.
#include <algorithm>

#include "base/sha256.h"
#include "levels/blank.h"
#include "levels/stream.h"
#include "verify/artifacts.h"

namespace rg::levels {
namespace {

constexpr uint32_t kGrowth = 5, kAdaptation = 6;
constexpr double kBaseLoss = 2.5;

void set_windows(Json& data, const Size& size) {
  data["n_windows"] = size.windows;
  data["seq_len"] = size.seq_len;
  std::vector<std::string> documents;
  for (uint32_t w = 0; w < size.windows; ++w) documents.push_back("doc" + std::to_string(w));
  data["doc_ids"] = documents;
}

// Keeps the checkpoints that `kept` names, base first.
void keep_checkpoints(Json& artifact, const std::vector<std::string>& kept) {
  artifact["family"]["ckpts"] = kept;
  Json rows = Json::array();
  for (const std::string& name : kept) {
    for (const Json& row : artifact["checkpoints"]) {
      if (row["ckpt"] == name) rows.push_back(row);
    }
  }
  artifact["checkpoints"] = rows;
}

Json blank_growth(const Size& size, size_t domains) {
  Json artifact = verify::testing::make(
      "kl_edge_dominance", {.windows = 20, .seq_len = 12, .replicates = 20, .documents = 4});
  forget_summary(artifact, size.replicates);
  keep_checkpoints(artifact, {"base", "tuned"});
  artifact["edges"] = Json::array({{{"from", "base"}, {"to", "tuned"}}});
  artifact["per_window"] = Json::object();
  if (domains == 1) {
    artifact["domains"] = Json::array({"prose"});
    artifact["data"].erase("code");
  }
  for (Json& data : artifact["data"]) set_windows(data, size);
  return artifact;
}

// A run under another name.
void copy_run(Json& artifact, const std::string& from, const std::string& to) {
  Json row = artifact["runs"][0];
  row["ckpt"] = to;
  artifact["runs"].push_back(row);
  for (const Json& checkpoint : Json(artifact["checkpoints"])) {
    if (checkpoint["ckpt"] != from) continue;
    artifact["checkpoints"].push_back(checkpoint);
    artifact["checkpoints"].back()["ckpt"] = to;
    artifact["checkpoints"].back()["tensors"][0]["sha256"] = std::string(64, 'a');
  }
  Json hashes = artifact["layer_hashes"][from];
  for (Json& hash : hashes) {  // frozen layers stay the base's, the others are this run's own
    const bool frozen = std::any_of(artifact["layer_hashes"]["base"].begin(),
                                    artifact["layer_hashes"]["base"].end(),
                                    [&](const Json& of_base) { return of_base == hash; });
    if (!frozen) hash = sha256_hex(hash.get<std::string>() + to);
  }
  artifact["layer_hashes"][to] = std::move(hashes);
}

std::string run_name(size_t i) { return "frozen-" + std::to_string(i + 1); }

Json blank_adaptation(size_t runs) {
  // Six tuned runs and two of the comparison, on few windows: what is asked is over runs.
  Json artifact = verify::testing::make(
      "kl_bounded_adaptation", {.windows = 4, .seq_len = 12, .replicates = 20, .documents = 4});
  forget_summary(artifact, Size{}.replicates);
  for (size_t i = 6; i < runs; ++i) copy_run(artifact, run_name(0), run_name(i));
  std::vector<std::string> kept = {"base"};
  for (size_t i = 0; i < runs; ++i) kept.push_back(run_name(i));
  for (const char* name : {"fewer-1", "fewer-2"}) kept.emplace_back(name);
  for (size_t i = runs; i < 6; ++i) {
    artifact["runs"].erase(runs);
    artifact["layer_hashes"].erase(run_name(i));
    artifact["per_window"]["eval"]["D"].erase(run_name(i));
    artifact["per_window"]["base"]["L_forget"].erase(run_name(i));
    artifact["per_window"]["base"]["loss"].erase(run_name(i));
  }
  keep_checkpoints(artifact, kept);
  return artifact;
}

}  // namespace

Draw growth(const Size& size, const std::vector<double>& effects) {
  const Json base = blank_growth(size, effects.size());
  return [=](uint64_t run) {
    Stream stream(run, kGrowth);
    Simulated made{.artifact = base, .criteria = {}};
    set_seed(made.artifact, run);
    for (size_t d = 0; d < effects.size(); ++d) {
      Json& arrays = made.artifact["per_window"][base["domains"][d].get<std::string>()];
      std::vector<double> drift, loss, forgetting;
      for (uint32_t w = 0; w < size.windows; ++w) {
        drift.push_back(std::abs(0.5 + 0.05 * stream.normal()));
        loss.push_back(kBaseLoss + 0.1 * (effects[d] + stream.normal()));
        forgetting.push_back(loss.back() - kBaseLoss);
      }
      const std::vector<double> none(size.windows, 0.0);
      arrays["D"] = {{"base", none}, {"tuned", drift}};
      arrays["loss"] = {{"base", std::vector<double>(size.windows, kBaseLoss)}, {"tuned", loss}};
      arrays["L_forget"] = {{"base", none}, {"tuned", forgetting}};
      made.criteria.push_back(forgetting);
    }
    return made;
  };
}

Draw adaptation(size_t runs) {
  const Json base = blank_adaptation(runs);
  return [=](uint64_t run) {
    Stream stream(run, kAdaptation);
    Simulated made{.artifact = base, .criteria = {}};
    set_seed(made.artifact, run);
    Json& all = made.artifact["per_window"];
    const size_t eval_windows = all["eval"]["D"]["base"].size();
    const auto before = all["base"]["loss"]["base"].get<std::vector<double>>();
    for (size_t i = 0; i < runs; ++i) {
      all["eval"]["D"][run_name(i)] = std::vector<double>(eval_windows, 0.09 * stream.uniform());
      const double more = 0.04 * stream.uniform();
      std::vector<double> loss, forgetting;
      for (const double value : before) {
        loss.push_back(value + more);
        forgetting.push_back(loss.back() - value);
      }
      all["base"]["loss"][run_name(i)] = loss;
      all["base"]["L_forget"][run_name(i)] = forgetting;
    }
    return made;
  };
}

}  // namespace rg::levels
