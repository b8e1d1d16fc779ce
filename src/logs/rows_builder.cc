#include "logs/rows_builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <unordered_map>

#include "base/error.h"
#include "logs/readers/reader.h"
#include "logs/refuse.h"

namespace rg::logs {
namespace {

constexpr int32_t kNoToken = -1;
constexpr uint64_t kMostHoles = 64;  // cells of the record per recorded cell, at most
constexpr float kUnknownWeight = std::numeric_limits<float>::quiet_NaN();

struct CellKey {
  int32_t sequence, position;
  uint32_t occurrence;
  bool operator==(const CellKey&) const = default;
};
struct CellHash {
  size_t operator()(const CellKey& key) const noexcept {
    uint64_t mixed = static_cast<uint32_t>(key.sequence);
    for (const uint64_t part :
         {uint64_t{static_cast<uint32_t>(key.position)}, uint64_t{key.occurrence}}) {
      mixed = (mixed ^ (mixed >> 29)) * 0xbf58476d1ce4e5b9u + part;
    }
    return mixed ^ (mixed >> 32);
  }
};

}  // namespace

void RowsBuilder::add(const Choice& choice, const std::string& place) {
  if (choice.layer < 0 || choice.layer >= static_cast<int>(kMaxLayers)) {
    refuse(ErrorId::LG010, file_, place, fmt::format("layer {}", choice.layer),
           fmt::format("0 to {}", kMaxLayers - 1));
  }
  if (k_ == 0) k_ = static_cast<uint32_t>(std::min<size_t>(choice.ids.size(), kMaxColumns + 1));
  if (choice.ids.empty() || choice.ids.size() > kMaxColumns || choice.ids.size() != k_) {
    refuse(ErrorId::LG005, file_, place, fmt::format("{} ids", choice.ids.size()),
           fmt::format("{} as in the rows before", k_));
  }
  if (!choice.weights.empty() && choice.weights.size() != k_) {
    refuse(ErrorId::LG005, file_, place, fmt::format("{} weights", choice.weights.size()),
           fmt::format("{}, one for each id", k_));
  }
  const auto [at, fresh] = layers_.try_emplace(choice.layer);
  Layer& layer = at->second;
  if (fresh) order_.push_back(choice.layer);
  if (layer.rows() + 1 >= kMaxRows) {
    refuse(ErrorId::LG010, file_, place, "more rows", fmt::format("up to {}", kMaxRows - 1));
  }
  int32_t sequence = choice.sequence.value_or(layer.implied);
  if (!choice.sequence && choice.position && layer.rows() > 0 &&
      *choice.position <= layer.position.back()) {
    sequence = ++layer.implied;
  }
  if (layer.next.size() <= static_cast<size_t>(sequence)) {
    layer.next.resize(static_cast<size_t>(sequence) + 1, 0);
  }
  int32_t& next = layer.next[static_cast<size_t>(sequence)];
  layer.sequence.push_back(sequence);
  layer.position.push_back(choice.position.value_or(next));
  ++next;
  positions_stated_ = positions_stated_ || choice.position.has_value();
  layer.token.push_back(choice.token.value_or(kNoToken));
  any_tokens_ = any_tokens_ || choice.token.has_value();
  layer.phase.push_back(choice.phase);
  layer.ids.insert(layer.ids.end(), choice.ids.begin(), choice.ids.end());
  if (choice.weights.empty()) {
    layer.weights.insert(layer.weights.end(), k_, kUnknownWeight);
  } else {
    layer.weights.insert(layer.weights.end(), choice.weights.begin(), choice.weights.end());
    any_weights_ = any_weights_ || std::any_of(choice.weights.begin(), choice.weights.end(),
                                               [](float w) { return !std::isnan(w); });
  }
  if (layer.rows() == 1 && !choice.logits.empty() && logit_columns_ == 0) {
    logit_columns_ = static_cast<uint32_t>(std::min<size_t>(choice.logits.size(), 1 << 20));
  }
  if (choice.logits.size() != logit_columns_) {
    refuse(ErrorId::LG005, file_, place, fmt::format("{} logits", choice.logits.size()),
           fmt::format("{} as in the rows before", logit_columns_));
  }
  layer.logits.insert(layer.logits.end(), choice.logits.begin(), choice.logits.end());
}

void RowsBuilder::take_aligned(Record& record) {
  Layer& first = layers_.at(order_.front());
  record.rows = static_cast<uint32_t>(first.rows());
  record.sequence = first.sequence;
  record.position = first.position;
  record.phase = first.phase;
  if (any_tokens_) record.tokens = first.token;
  for (auto& [index, layer] : layers_) {
    record.layers.push_back(
        {.layer = index,
         .ids = std::move(layer.ids),
         .weights = any_weights_ ? std::move(layer.weights) : std::vector<float>(),
         .logits = std::move(layer.logits)});
  }
}

void RowsBuilder::join(Record& record) {
  std::unordered_map<CellKey, uint32_t, CellHash> rows;
  std::map<int, std::vector<uint32_t>> places;
  uint64_t cells = 0;
  for (const int index : order_) {
    const Layer& layer = layers_.at(index);
    cells += layer.rows();
    std::vector<uint32_t>& place = places[index];
    std::unordered_map<CellKey, uint32_t, CellHash> seen;
    for (size_t i = 0; i < layer.rows(); ++i) {
      CellKey key{layer.sequence[i], layer.position[i], 0};
      key.occurrence = seen[key]++;
      const auto [at, fresh] = rows.emplace(key, static_cast<uint32_t>(rows.size()));
      place.push_back(at->second);
      if (fresh) {
        record.sequence.push_back(layer.sequence[i]);
        record.position.push_back(layer.position[i]);
        record.phase.push_back(layer.phase[i]);
        if (any_tokens_) record.tokens.push_back(layer.token[i]);
      } else if (any_tokens_ && record.tokens[at->second] == kNoToken) {
        record.tokens[at->second] = layer.token[i];
      }
    }
  }
  record.rows = static_cast<uint32_t>(rows.size());
  if (uint64_t{record.rows} * layers_.size() > kMostHoles * cells + 4096) {
    refuse(ErrorId::LG008, file_, "",
           fmt::format("{} choices at {} layers, of {} different tokens", cells, layers_.size(),
                       record.rows),
           "layers that have their tokens in common",
           "Import the layers one by one, or name the fields of sequence and position.");
  }
  for (auto& [index, layer] : layers_) {
    LayerLog log{.layer = index};
    log.ids.assign(size_t{record.rows} * k_, kAbsent);
    if (any_weights_) log.weights.assign(size_t{record.rows} * k_, kUnknownWeight);
    if (logit_columns_ > 0) {
      log.logits.assign(size_t{record.rows} * logit_columns_, kUnknownWeight);
    }
    const std::vector<uint32_t>& place = places.at(index);
    for (size_t i = 0; i < place.size(); ++i) {
      std::copy_n(layer.ids.begin() + static_cast<ptrdiff_t>(i * k_), k_,
                  log.ids.begin() + static_cast<ptrdiff_t>(size_t{place[i]} * k_));
      if (any_weights_) {
        std::copy_n(layer.weights.begin() + static_cast<ptrdiff_t>(i * k_), k_,
                    log.weights.begin() + static_cast<ptrdiff_t>(size_t{place[i]} * k_));
      }
      if (logit_columns_ > 0) {
        std::copy_n(layer.logits.begin() + static_cast<ptrdiff_t>(i * logit_columns_),
                    logit_columns_,
                    log.logits.begin() + static_cast<ptrdiff_t>(size_t{place[i]} * logit_columns_));
      }
    }
    layer = Layer();
    record.layers.push_back(std::move(log));
  }
}

Record RowsBuilder::finish() {
  Record record;
  record.k = k_;
  record.logit_columns = logit_columns_;
  record.positions_stated = positions_stated_;
  const Layer& first = layers_.at(order_.front());
  const bool aligned = std::all_of(layers_.begin(), layers_.end(), [&](const auto& entry) {
    return entry.second.sequence == first.sequence && entry.second.position == first.position;
  });
  if (aligned) {
    take_aligned(record);
  } else {
    join(record);
  }
  if (std::find(record.tokens.begin(), record.tokens.end(), kNoToken) != record.tokens.end()) {
    record.tokens.clear();
    record.notes.push_back("Token ids left out: some rows have none.");
  }
  number_by_appearance(record.sequence);
  if (record.has_weights()) {
    record.weight_epsilon = weight_epsilon(record, std::numeric_limits<float>::epsilon());
  }
  return record;
}

}  // namespace rg::logs
