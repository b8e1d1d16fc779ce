// attention_router's comparison of the experts' matrices: its lists, thresholds and verdict follow
// from the rest; the ranks and cosines themselves are taken as stated, within their bounds.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/random.h"
#include "verify/attention_router.h"

namespace rg::verify::router {
namespace {

constexpr uint32_t kCompared = 8;  // experts drawn
constexpr double kUpcycled = 0.5;
constexpr double kFromScratch = 0.1;
constexpr double kTolerance = 1e-9;
constexpr double kWholeTolerance = 1e-6;
constexpr Range kCosine{-1 - kTolerance, 1 + kTolerance};
constexpr const char* kProjections[] = {"gate", "up", "down"};

void check_cosines(const Case& c, const At& at, std::vector<double>& means) {
  const auto mean = c.inspect.number(c.inspect.need(at, "cosine_mean"), kCosine);
  const auto least = c.inspect.number(c.inspect.need(at, "cosine_min"), kCosine);
  const auto most = c.inspect.number(c.inspect.need(at, "cosine_max"), kCosine);
  if (!mean || !least || !most) return;
  means.push_back(*mean);
  if (*least - kTolerance <= *mean && *mean <= *most + kTolerance) return;
  c.inspect.invalid(Check::value_range, (at / "cosine_mean").path,
                    "lies outside of the least and the largest cosine");
}

// The share gives the matrix' smaller side, which no rank exceeds.
void check_ranks(const Case& c, const At& at, size_t experts) {
  const At list = c.inspect.need(at, "rank95");
  const std::vector<int64_t> ranks =
      list ? c.inspect.counts(list, experts, INT32_MAX) : std::vector<int64_t>();
  const At share = c.inspect.need(at, "rank95_share");
  const auto stated = c.inspect.number(share, kUnit);
  if (!stated || ranks.size() != experts) return;
  const auto sum = static_cast<double>(std::accumulate(ranks.begin(), ranks.end(), int64_t{0}));
  if (sum == 0 && *stated == 0) return;
  const double side = *stated > 0 ? sum / (static_cast<double>(experts) * *stated) : 0;
  const bool whole = side >= 1 - kWholeTolerance && side <= INT32_MAX &&
                     std::abs(side - std::floor(side + 0.5)) <= kWholeTolerance;
  if (!whole) {
    c.inspect.invalid(Check::summary_mean, share.path,
                      "is not the mean of rank95 over a number of rows or columns");
  } else if (static_cast<double>(*std::max_element(ranks.begin(), ranks.end())) > side + 0.5) {
    c.inspect.invalid(Check::value_range, list.path,
                      fmt::format("found a rank above {}, the matrix' smaller side by its share",
                                  std::floor(side + 0.5)));
  }
}

const char* verdict_of(const std::vector<double>& means) {
  const auto all = [&](auto holds) { return std::all_of(means.begin(), means.end(), holds); };
  if (all([](double mean) { return mean >= kUpcycled; })) return "upcycled";
  if (all([](double mean) { return std::abs(mean) <= kFromScratch; })) {
    return "trained from scratch";
  }
  return "unclear";
}

template <typename Values>
void claim_list(Claims& claims, const char* name, const Values& values) {
  for (size_t i = 0; i < values.size(); ++i) {
    claims.count({"expert_similarity", name, std::to_string(i)}, int64_t{values[i]});
  }
  claims.absent({"expert_similarity", name, std::to_string(values.size())});
}

}  // namespace

void check_similarity(const Case& c, Claims& claims) {
  const Header& h = c.header;
  const At at = c.root / "expert_similarity";
  if (!at || !c.inspect.is(at, Kind::object)) return;
  std::vector<uint32_t> experts =
      draw_subset(h.experts, std::min(h.experts, kCompared), *h.seed, Purpose::drawn_experts, 0, 0);
  std::sort(experts.begin(), experts.end());
  const std::vector<int> layers = first_middle_last(h.moe_layers);
  std::vector<double> means;
  const At per_layer = c.inspect.need(at, "per_layer");
  if (c.inspect.is(per_layer, Kind::object)) {
    for (const Member& member : per_layer.value->object().members) {
      const auto layer = c.inspect.layer_key(member.key);
      if (layer && std::binary_search(layers.begin(), layers.end(), *layer)) continue;
      c.inspect.invalid(Check::layer_arrays, (per_layer / member.key).path,
                        "is not the first, middle or last MoE layer");
    }
    for (const int layer : layers) {
      const At found = per_layer / std::to_string(layer);
      if (!found) c.inspect.invalid(Check::layer_arrays, found.path, "is missing");
      for (const char* name : kProjections) {
        const At projection = c.inspect.need(found, name);
        if (!projection) continue;
        check_ranks(c, projection, experts.size());
        check_cosines(c, projection, means);
      }
    }
  }
  claim_list(claims, "experts", experts);
  claim_list(claims, "layers", layers);
  claims.mean({"expert_similarity", "thresholds", "upcycled"}, kUpcycled);
  claims.mean({"expert_similarity", "thresholds", "trained_from_scratch"}, kFromScratch);
  claims.text({"expert_similarity", "verdict"}, verdict_of(means));
}

}  // namespace rg::verify::router
