#include "theorems/gauge_invariance.h"

#include <cmath>

#include "theorems/extremes.h"
#include "theorems/one_bit.h"
#include "theorems/top_k.h"

namespace rg::theorems {
namespace {

constexpr double kRounding = 0x1p-53;

Tensor inverse_of(TensorView matrix) { return linear::inverse(matrix); }

template <typename Scalar>
Vector output_in(const Head& head) {
  using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic>;
  using Column = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;
  const Matrix keys = head.keys.cast<Scalar>(), values = head.values.cast<Scalar>();
  const Column query = head.query.cast<Scalar>();
  Column weights = keys * query / std::sqrt(static_cast<Scalar>(query.size()));
  weights = (weights.array() - weights.maxCoeff()).exp();
  weights /= weights.sum();
  const Column mixed = values.transpose() * weights;
  const Column out = head.output.cast<Scalar>() * mixed;
  return out.template cast<double>();
}

}  // namespace

void score_invariance(TensorView queries, TensorView keys, TensorView rotation,
                      Findings& findings) {
  const auto d = static_cast<double>(keys.cols());
  const Tensor before = queries * keys.transpose();
  const Tensor after = turned(queries, rotation) * turned(keys, rotation).transpose();
  const double most = queries.rowwise().norm().maxCoeff() * keys.rowwise().norm().maxCoeff();
  findings.at_most("max |(Rq)'(Rk) - q'k|", largest_size(after - before), 4 * d * kRounding * most);
  const Tensor gram = rotation.transpose() * rotation;
  findings.at_most("|R'R - I|_F", (gram - Tensor::Identity(gram.rows(), gram.cols())).norm(),
                   1e-12 * std::sqrt(d));
}

double score_defect(TensorView query_change, TensorView key_change) {
  const Tensor product = query_change.transpose() * key_change;
  return largest_size(product - Tensor::Identity(product.rows(), product.cols()));
}

void score_keeping_pair(TensorView query_change, TensorView key_change, Findings& findings) {
  findings.at_most("max |A'B - I|", score_defect(query_change, key_change), 1e-10);
  findings.at_most("max |B - A^-T|",
                   largest_size(key_change - inverse_of(query_change).transpose()), 1e-10);
}

Vector head_output(const Head& head) { return output_in<double>(head); }

Head in_gauge(const Head& head, TensorView key_gauge, TensorView value_gauge) {
  return {.query = inverse_of(key_gauge).transpose() * head.query,
          .keys = turned(head.keys, key_gauge),
          .values = turned(head.values, value_gauge),
          .output = head.output * inverse_of(value_gauge)};
}

void same_output(const Head& head, const Head& gauged, Findings& findings) {
  findings.at_most("|W'o' - Wo| / |Wo|",
                   relative_difference(head_output(gauged), head_output(head)), 1e-12);
}

void same_output_in_fp32(const Head& head, const Head& gauged, Findings& findings) {
  findings.at_most("|W'o' - Wo| / |Wo|, W'o' in fp32",
                   relative_difference(output_in<float>(gauged), head_output(head)), 3e-6);
}

Tensor router_scores(const AttentionLayer& attention, TensorView router, TensorView inputs) {
  const Tensor stream = inputs + attend(attention, inputs);
  const double root = std::sqrt(static_cast<double>(inputs.cols()));
  return stream.rowwise().normalized() * root * router.transpose();
}

AttentionLayer in_gauge(const AttentionLayer& layer, const std::vector<Tensor>& key_gauges,
                        const std::vector<Tensor>& value_gauges) {
  AttentionLayer out = layer;
  const Eigen::Index d = layer.rotary.size();
  out.key_gauge = key_gauges;
  for (const Tensor& gauge : key_gauges) out.query_gauge.push_back(inverse_of(gauge).transpose());
  for (Eigen::Index g = 0; g < layer.kv_heads; ++g) {
    out.value.middleRows(g * d, d) =
        value_gauges[static_cast<size_t>(g)] * layer.value.middleRows(g * d, d);
  }
  for (Eigen::Index h = 0; h < layer.heads; ++h) {
    const auto g = static_cast<size_t>(h / (layer.heads / layer.kv_heads));
    out.output.middleCols(h * d, d) =
        layer.output.middleCols(h * d, d) * inverse_of(value_gauges[g]);
  }
  return out;
}

void same_scores(TensorView scores, TensorView gauged, Findings& findings) {
  findings.at_most("max |score - score in the other gauge| / max |score|",
                   largest_size(scores - gauged) / largest_size(scores), 1e-10);
}

void decided_sets_stay(TensorView scores, TensorView computed, Eigen::Index k, Findings& findings) {
  Eigen::Index decided = 0, changed = 0;
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    const Vector s = scores.row(n), t = computed.row(n);
    const Set set = top_k(s, k);
    const double margin = set_margin(s, set), error = largest_size(s - t);
    if (margin <= 2 * error) continue;
    ++decided;
    changed += std::isnan(error) || top_k(t, k) != set ? 1 : 0;
  }
  findings.above("tokens with a margin above twice the error", static_cast<double>(decided), 0);
  findings.equal("of them, tokens that choose other experts", static_cast<double>(changed), 0, 0);
}

Eigen::Index changed_sets(TensorView scores, TensorView computed, Eigen::Index k) {
  Eigen::Index changed = 0;
  for (Eigen::Index n = 0; n < scores.rows(); ++n) {
    changed += top_k(scores.row(n), k) != top_k(computed.row(n), k) ? 1 : 0;
  }
  return changed;
}

double spread_of_axes(TensorView rotation) {
  return rotation.cwiseAbs().colwise().sum().maxCoeff<Eigen::PropagateNaN>() - 1;
}

void keeps_cosines(TensorView keys, TensorView rotation, Findings& findings) {
  const Vector change = cosines_1bit(turned(keys, rotation)) - cosines_1bit(keys);
  findings.at_most("max |c(Tk) - c(k)|", largest_size(change), 1e-14);
}

Tensor decoded(TensorView keys, TensorView gauge, const Quantiser& quantiser) {
  return quantiser(turned(keys, gauge)) * inverse_of(gauge).transpose();
}

void lossless_codec(TensorView keys, TensorView gauge, const Quantiser& quantiser,
                    Findings& findings) {
  const Vector error = (decoded(keys, gauge, quantiser) - keys).rowwise().norm();
  findings.at_most("max |k - M^-1 Q(Mk)| / |k|",
                   largest(error.cwiseQuotient(keys.rowwise().norm())), 1e-12);
}

void codec_error(TensorView keys, TensorView rotation, const Quantiser& quantiser,
                 Findings& findings) {
  const Tensor coded = turned(keys, rotation);
  const Vector of_key = (keys - decoded(keys, rotation, quantiser)).rowwise().norm();
  const Vector of_code = (coded - quantiser(coded)).rowwise().norm();
  findings.at_most("max ||k - decoded| - |Mk - Q(Mk)|| / |k|",
                   largest_size((of_key - of_code).cwiseQuotient(keys.rowwise().norm())), 1e-12);
}

void folded_scores(TensorView queries, TensorView keys, TensorView gauge,
                   const Quantiser& quantiser, Findings& findings) {
  const Tensor folded = queries * inverse_of(gauge);
  const Tensor on_codes = folded * quantiser(turned(keys, gauge)).transpose();
  const Tensor on_keys = queries * decoded(keys, gauge, quantiser).transpose();
  findings.at_most("|scores on codes - scores on decoded keys| / |scores|",
                   relative_difference(on_codes, on_keys), 1e-12);
}

}  // namespace rg::theorems
