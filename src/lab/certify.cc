#include "lab/certify.h"

#include <fmt/format.h>

#include "lab/version.h"
#include "record/artifact.h"

namespace rg::lab {
namespace {

using certificates::Missing;

void add_level(const Subject& subject, const LayerMatrices& matrices, PairLevel level,
               LayerCertificates& to) {
  const std::string level_name(name(level));
  const certificates::LayerFacts& facts = *to.question.facts;
  if (level == PairLevel::enclosed && facts.key_dimensions > facts.width) {
    to.absent.push_back(
        {.level = level_name, .reason = "more key dimensions than the residual has"});
    return;
  }
  MadePair pair = make_pair(subject, to.question, matrices, level);
  if (pair.missing == Missing::keys_determine_input) to.rank = facts.width;
  if (pair.file && level == PairLevel::enclosed) to.rank = facts.key_dimensions;
  if (pair.file && to.question.no_pair.empty()) {
    to.made.push_back({.level = level_name, .file = std::move(*pair.file)});
    return;
  }
  to.absent.push_back(
      {.level = level_name, .reason = pair.file ? to.question.no_pair : words(*pair.missing)});
}

void state_absent(std::string_view level, const std::string& reason, LayerCertificates& to) {
  to.absent.push_back({.level = std::string(level), .reason = reason});
}

// Levels A and B.
void add_pairs(const Subject& subject, WantedLevels wanted, LayerCertificates& to) {
  if (!wanted.exact && !wanted.enclosed) return;
  const bool wide = to.question.facts->key_dimensions >= to.question.facts->width;
  if (!to.question.no_pair.empty() && !wide) {
    if (wanted.exact) state_absent(name(PairLevel::exact), to.question.no_pair, to);
    if (wanted.enclosed) state_absent(name(PairLevel::enclosed), to.question.no_pair, to);
    return;
  }
  const LayerMatrices matrices(subject, to.question);
  if (wanted.exact) add_level(subject, matrices, PairLevel::exact, to);
  if (wanted.enclosed) add_level(subject, matrices, PairLevel::enclosed, to);
}

Json levels_json(const certificates::Levels& levels) {
  Json out = Json::array();
  if (levels.exact) out.push_back("exact");
  if (levels.enclosed) out.push_back("enclosed");
  if (levels.on_manifold) out.push_back("on_manifold");
  if (levels.identical_bytes) out.push_back("identical_bytes");
  if (levels.twin_tokens) out.push_back("twin_tokens");
  return out;
}

Json row_json(const certificates::Row& row) {
  return {{"inputs", certificates::name(row.inputs)},
          {"summary", certificates::name(row.summary)},
          {"answer", certificates::name(row.answer)},
          {"theorem", row.theorem},
          {"condition", row.condition},
          {"reservation", row.reservation},
          {"levels", levels_json(row.levels)}};
}

}  // namespace

LayerCertificates certify_layer(const Subject& subject, int layer, WantedLevels wanted) {
  const model::Model& model = subject.model();
  LayerCertificates out{
      .question = key_question(model, layer), .rows = {}, .made = {}, .absent = {}, .rank = {}};
  out.rows = decision_rows(model, out.question);
  if (!out.question.facts) return out;
  add_pairs(subject, wanted, out);
  if (out.question.no_turn.empty()) return out;
  if (wanted.on_manifold) state_absent("on_manifold", out.question.no_turn, out);
  if (wanted.identical_bytes) {
    state_absent("identical_bytes", "sought only where level B' is: " + out.question.no_turn, out);
  }
  return out;
}

std::string certificate_name(int layer, const std::string& level) {
  return fmt::format("layer-{}.{}.json", layer, level);
}

Json layer_json(const model::Model& model, const LayerCertificates& layer,
                const std::vector<ListedFile>& files) {
  Json rows = Json::array(), listed = Json::array(), absent = Json::array();
  for (const certificates::Row& row : layer.rows) rows.push_back(row_json(row));
  for (const ListedFile& file : files) {
    listed.push_back({{"level", file.level}, {"file", file.file}, {"sha256", file.sha256}});
  }
  for (const LayerCertificates::Absent& each : layer.absent) {
    absent.push_back({{"level", each.level}, {"reason", each.reason}});
  }
  Json out = {{"layer", layer.question.layer}};
  if (!layer.question.facts) {
    out["uncovered"] = layer.question.uncovered;
    return out;
  }
  out["architecture"] = architecture_json(model, layer.question);
  out["rows"] = std::move(rows);
  if (layer.rank) out["key_rank"] = *layer.rank;
  out["certificates"] = std::move(listed);
  out["absent"] = std::move(absent);
  return out;
}

Json report_json(const Subject& subject, const Json& layers) {
  Json out = {{"certificate", "report"},
              {"version", kCertificateVersion},
              {"model", {{"ckpt", subject.name()}, {"family", subject.model().family}}},
              {"layers", layers},
              {"program_version", program_version()}};
  out["body_sha256"] = record::body_digest(out);
  return out;
}

}  // namespace rg::lab
