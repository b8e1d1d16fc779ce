#include "experiments/audit/audit_outputs.h"

#include <algorithm>

namespace rg::experiments {

WindowOutputs window_outputs(const AuditOutputs& outputs,
                             std::span<const uint16_t> flipped_layers) {
  WindowOutputs of{.loss_a = outputs.a.window_means(outputs.a.loss()),
                   .loss_b = outputs.b.window_means(outputs.b.loss()),
                   .loss_ab = outputs.ab.window_means(outputs.ab.loss()),
                   .loss_ba = outputs.ba.window_means(outputs.ba.loss()),
                   .kl = outputs.b.window_means(outputs.b.kl()),
                   .top1_equal = {outputs.b.top1_equal().begin(), outputs.b.top1_equal().end()},
                   .tokens = {},
                   .kl_sum = {},
                   .loss_delta_sum = {}};
  const size_t windows = of.kl.size(), positions = flipped_layers.size() / windows;
  for (std::vector<uint32_t>& tokens : of.tokens) tokens.assign(windows, 0);
  for (auto* const sums : {&of.kl_sum, &of.loss_delta_sum}) {
    for (std::vector<double>& of_bin : *sums) of_bin.assign(windows, 0.0);
  }
  for (size_t token = 0; token < flipped_layers.size(); ++token) {
    const size_t w = token / positions;
    const auto above = std::upper_bound(kFlippedLayersFrom.begin(), kFlippedLayersFrom.end(),
                                        uint32_t{flipped_layers[token]});
    const auto bin = static_cast<size_t>(above - kFlippedLayersFrom.begin()) - 1;
    ++of.tokens[bin][w];
    of.kl_sum[bin][w] += outputs.b.kl()[token];
    of.loss_delta_sum[bin][w] += outputs.b.loss()[token] - outputs.a.loss()[token];
  }
  return of;
}

}  // namespace rg::experiments
