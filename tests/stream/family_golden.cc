#include "family_golden.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace rg::stream {

namespace {

double largest(const std::vector<float>& values) {
  double most = 0;
  for (const float value : values) most = std::max(most, std::abs(double{value}));
  return most;
}

}  // namespace

std::filesystem::path FamilyShape::folder() const {
  return std::filesystem::path(RG_TEST_DATA) / "families" / family / shape;
}

std::string FamilyShape::identifier() const {
  std::string text = name();
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return text;
}

const std::vector<FamilyShape>& family_shapes() {
  static const std::vector<FamilyShape> shapes = [] {
    std::vector<FamilyShape> found;
    const std::filesystem::path root = std::filesystem::path(RG_TEST_DATA) / "families";
    for (const auto& family : std::filesystem::directory_iterator(root)) {
      if (!family.is_directory()) continue;
      for (const auto& shape : std::filesystem::directory_iterator(family)) {
        found.push_back({family.path().filename(), shape.path().filename()});
      }
    }
    std::sort(found.begin(), found.end(),
              [](const auto& a, const auto& b) { return a.name() < b.name(); });
    return found;
  }();
  return shapes;
}

bool is_known(const std::string& family) {
  const auto known = model::known_families();
  return std::find(known.begin(), known.end(), family) != known.end();
}

FamilyGolden::FamilyGolden(const FamilyShape& shape)
    : checkpoint_(open_golden(shape.folder() / "model")),
      model_(model::bind_model(checkpoint_)),
      expected_(shape.folder() / "expected.safetensors") {}

std::vector<std::string> FamilyGolden::violations(const Record& record) const {
  std::vector<std::string> lines;
  for (const int layer : model_.moe_layers()) {
    compare_gate(static_cast<size_t>(layer), record.layers[static_cast<size_t>(layer)], lines);
  }
  const double error = relative_error(record.logits, expected_.floats("logits"));
  if (!(error <= kParity)) lines.push_back(fmt::format("logits: {:.2e}", error));
  return lines;
}

void FamilyGolden::compare_gate(size_t layer, const LayerRecord& record,
                                std::vector<std::string>& lines) const {
  const std::string at = fmt::format("layers.{}.", layer);
  const double error = relative_error(record.router_logits, expected_.floats(at + "router_logits"));
  if (!(error <= kParity)) lines.push_back(fmt::format("{}router_logits: {:.2e}", at, error));
  const std::vector<int32_t> ids = expected_.ints(at + "topk_ids");
  const std::vector<float> margins = expected_.floats(at + "margin");
  const std::vector<float> weights = expected_.floats(at + "topk_weights");
  const size_t rows = margins.size(), k = ids.size() / rows;
  if (record.topk_weights.size() != weights.size()) {
    lines.push_back(at + "top_k differs");
    return;
  }
  const float scale = *std::max_element(weights.begin(), weights.end());
  size_t swapped = 0;
  float worst = 0;
  for (size_t row = 0; row < rows; ++row) {
    const auto ours = std::span(record.topk_ids).subspan(row * (k + 1), k);
    for (size_t i = 0; i < k; ++i) {
      const auto found = std::find(ours.begin(), ours.end(), ids[row * k + i]);
      if (found == ours.end()) {
        if (std::isnan(margins[row]) || margins[row] > kSureMargin) ++swapped;
        continue;
      }
      const auto rank = static_cast<size_t>(found - ours.begin());
      const float difference = record.topk_weights[row * k + rank] - weights[row * k + i];
      worst = std::isnan(difference) ? INFINITY : std::max(worst, std::abs(difference));
    }
  }
  // Margins are differences of scores; those of logits are as large as the logits.
  const double tolerance = kParity * std::max(1.0, largest(expected_.floats(at + "router_logits")));
  for (size_t row = 0; row < rows; ++row) {
    const bool defined = !std::isnan(margins[row]);
    const double off = std::abs(double{record.margins[row]} - double{margins[row]});
    if (defined ? !(off <= tolerance) : !std::isnan(record.margins[row])) {
      lines.push_back(
          fmt::format("{}margin of row {}: {} for {}", at, row, record.margins[row], margins[row]));
      break;
    }
  }
  if (swapped > 0) lines.push_back(fmt::format("{}: {} other experts", at, swapped));
  if (!(worst <= kParity * scale)) lines.push_back(fmt::format("{}weights: {:.2e}", at, worst));
}

}  // namespace rg::stream
