#include "keys/one_bit.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "keys/block_sums.h"

namespace rg::keys {
namespace {

void add_keys(const BlockNorms& norms, uint32_t begin, uint32_t end, double width, CodeSums& sums) {
  for (uint32_t n = begin; n < end; ++n) {
    if (norms.squared[n] == 0) {
      sums.zero_keys += 1;
      continue;
    }
    sums.keys += 1;
    sums.cosines += norms.one[n] / std::sqrt(width * norms.squared[n]);
    sums.squared_norms += norms.one[n] * norms.one[n] / width;
    sums.energy += norms.squared[n];
  }
}

}  // namespace

void CodeSums::add(const CodeSums& other, double weight) {
  keys += weight * other.keys;
  zero_keys += weight * other.zero_keys;
  cosines += weight * other.cosines;
  squared_norms += weight * other.squared_norms;
  energy += weight * other.energy;
  if (channels.empty()) channels.resize(other.channels.size());
  for (size_t j = 0; j < other.channels.size(); ++j) channels[j] += weight * other.channels[j];
}

std::optional<Aggregates> aggregates_of(const CodeSums& sums) {
  if (!(sums.keys > 0)) return std::nullopt;
  double total = 0, squares = 0;
  for (const double channel : sums.channels) {
    total += channel;
    squares += channel * channel;
  }
  const double scale = sums.keys * sums.energy;
  return Aggregates{
      .mean_cosine = sums.cosines / sums.keys,
      .beta_per_key = sums.squared_norms / sums.energy,
      .beta_per_channel = squares / scale,
      .beta_pooled = total * total / (static_cast<double>(sums.channels.size()) * scale)};
}

std::optional<Aggregates> aggregates_of(std::span<const CodeSums> documents,
                                        std::span<const double> weights) {
  check_internal(documents.size() == weights.size(), "a weight for every document");
  CodeSums sums;
  for (size_t i = 0; i < documents.size(); ++i) sums.add(documents[i], weights[i]);
  return aggregates_of(sums);
}

CodeSums total_of(std::span<const CodeSums> documents) {
  CodeSums sums;
  for (const CodeSums& document : documents) sums.add(document, 1);
  return sums;
}

std::vector<CodeSums> code_sums(const PackedKeys& keys, const linear::Matrix& gauge,
                                std::span<const Document> documents) {
  const uint32_t d = keys.width(), columns = keys.block_rows();
  const std::vector<float> matrix = row_major(gauge);
  std::vector<float> turned(size_t{d} * columns);
  BlockNorms norms{.one = std::vector<double>(columns), .squared = std::vector<double>(columns)};
  std::vector<CodeSums> out(documents.size());
  for (CodeSums& sums : out) sums.channels.assign(d, 0);
  size_t first = 0;  // the first document that reaches into the block
  for (uint32_t block = 0; block < keys.blocks(); ++block) {
    keys.turn(block, matrix, turned);
    norms_of_block(turned, norms);
    const uint32_t from = keys.first_row(block), to = from + keys.rows_in(block);
    while (first < documents.size() && documents[first].end <= from) ++first;
    for (size_t at = first; at < documents.size() && documents[at].begin < to; ++at) {
      const uint32_t begin = std::max(documents[at].begin, from) - from;
      const uint32_t end = std::min(documents[at].end, to) - from;
      add_keys(norms, begin, end, d, out[at]);
      for (uint32_t j = 0; j < d; ++j) {
        const float* const row = turned.data() + size_t{j} * columns;
        out[at].channels[j] += sum_of_sizes({row + begin, end - begin});
      }
    }
  }
  return out;
}

}  // namespace rg::keys
