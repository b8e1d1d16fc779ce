#include "experiments/kv_distortion_head.h"

#include <algorithm>
#include <map>

#include "keys/gauge_maker.h"
#include "keys/normal_levels.h"

namespace rg::experiments {
namespace {

using keys::Centring;
using keys::GaugeKind;
using keys::ScaleOf;
using keys::ScaleRule;

struct CodedRows {
  keys::KeyScales of_keys;
  std::optional<keys::KeyScales> of_values;
};

// Both rows of a context as read back.
struct ReadRows {
  std::vector<float> keys, values;

  keys::HeadRows like(const keys::HeadRows& exact) const {
    return {.keys = keys,
            .values = values,
            .key_width = exact.key_width,
            .value_width = exact.value_width};
  }
};

std::map<GaugeKind, keys::Gauge> gauges_of(const KvHeadContexts& head,
                                           std::span<const KvCode> codes) {
  std::map<GaugeKind, keys::Gauge> out;
  const keys::PackedKeys packed(head.fit.values, head.fit.width,
                                keys::PackedKeys::Use::turn_and_moments);
  const keys::HeadKeys keys{
      .halves = {}, .planes = {}, .placement = {}, .place = head.place, .query_moments = {}};
  const keys::FitOptions options{};
  keys::GaugeMaker maker(packed, head.fit, keys, options);
  for (const KvCode& code : codes) {
    if (out.count(code.gauge) == 0) out.emplace(code.gauge, maker.make(code.gauge, 0).gauge);
  }
  return out;
}

bool needs_fit(const keys::QuantiserSpec& spec) {
  return spec.scale_of != ScaleOf::key || spec.centring == Centring::dataset_mean;
}

CodedRows scales_of(const KvCode& code, const keys::Gauge& gauge, const keys::KeySet& fit,
                    uint32_t value_width) {
  CodedRows out{.of_keys = gauge.kind == GaugeKind::identity
                               ? keys::fit_scales(fit, code.spec)
                               : keys::fit_scales(fit, code.spec, gauge.matrix),
                .of_values = {}};
  if (!code.values) return out;
  const keys::KeySet none{.width = value_width, .values = {}, .documents = {}};
  out.of_values = keys::fit_scales(none, {.bits = code.spec.bits,
                                          .scale_of = ScaleOf::key,
                                          .rule = ScaleRule::least_squares,
                                          .centring = Centring::raw});
  return out;
}

ReadRows read_back(const CodedRows& code, const keys::HeadRows& exact, size_t rows) {
  ReadRows out{.keys = {exact.keys.begin(), exact.keys.end()},
               .values = {exact.values.begin(), exact.values.end()}};
  keys::quantise(code.of_keys, out.keys.data(), rows, exact.key_width);
  if (code.of_values) {
    keys::quantise(*code.of_values, out.values.data(), rows, exact.value_width);
  }
  return out;
}

// Exact attention of a context's queries: position by position, the group's heads of each.
std::vector<keys::ExactAttention> exact_of(const KvHeadContexts& head,
                                           const KvContextRecord::Context& context) {
  std::vector<keys::ExactAttention> out;
  const keys::HeadRows rows = head.contexts.rows_of(context, head.head);
  for (size_t at = 0; at < context.positions.size(); ++at) {
    for (uint32_t g = 0; g < head.group; ++g) {
      const std::span<const float> query =
          head.contexts.query(context, at, head.head * head.group + g);
      out.emplace_back(rows, query, context.positions[at], head.rule);
    }
  }
  return out;
}

struct Records {
  keys::DistortionRecord all, sinks_exact;
  explicit Records(size_t slots) : all(slots), sinks_exact(slots) {}
};

}  // namespace

std::vector<KvCode> kv_codes() {
  std::vector<KvCode> out;
  for (uint32_t bits = 1; bits <= keys::kMostBits; ++bits) {
    const KvCode plain{.spec = {.bits = bits,
                                .scale_of = ScaleOf::key,
                                .rule = ScaleRule::least_squares,
                                .centring = Centring::raw},
                       .gauge = GaugeKind::identity,
                       .values = false};
    const auto add = [&](const auto& change) {
      KvCode code = plain;
      change(code);
      out.push_back(code);
    };
    add([](KvCode&) {});
    add([](KvCode& code) { code.spec.scale_of = ScaleOf::channel; });
    add([](KvCode& code) { code.spec.scale_of = ScaleOf::head; });
    add([](KvCode& code) { code.spec.rule = ScaleRule::norm; });
    add([](KvCode& code) { code.spec.rule = ScaleRule::unbiased; });
    add([](KvCode& code) { code.gauge = GaugeKind::signed_hadamard; });
    add([](KvCode& code) { code.gauge = GaugeKind::itq_cosine; });
    add([](KvCode& code) { code.spec.centring = Centring::dataset_mean; });
    add([](KvCode& code) { code.values = true; });
  }
  return out;
}

uint64_t kv_distortion_bytes(size_t codes, size_t queries_of_group, size_t longest_context,
                             size_t widest_head) {
  constexpr size_t kCopies = 2;       // of keys and values as read
  constexpr size_t kOfAPosition = 2;  // scores and weights of a query, fp64
  const uint64_t records = 2 * codes * keys::DistortionRecord::bytes(queries_of_group);
  const uint64_t context = longest_context * (kCopies * widest_head * sizeof(float) +
                                              kOfAPosition * queries_of_group * sizeof(double));
  const uint64_t matrices = codes * widest_head * widest_head * sizeof(double);
  return records + context + matrices;
}

std::vector<KvCodeResult> measure_kv_distortion(const KvHeadContexts& head,
                                                std::span<const KvCode> codes) {
  const KvContextRecord& contexts = head.contexts;
  const std::map<GaugeKind, keys::Gauge> gauges = gauges_of(head, codes);
  std::vector<KvCodeResult> out(codes.size());
  std::vector<std::optional<CodedRows>> scales(codes.size());
  std::vector<Records> records(codes.size(), Records(contexts.queries() * head.group));
  for (size_t c = 0; c < codes.size(); ++c) {
    const keys::Gauge& gauge = gauges.at(codes[c].gauge);
    out[c].refused = gauge.refused;
    if (head.fit.rows() == 0 && needs_fit(codes[c].spec)) out[c].refused = "no keys to fit on";
    if (!out[c].refused.empty() || contexts.contexts().empty()) continue;
    const uint32_t value_width = contexts.rows_of(contexts.contexts()[0], head.head).value_width;
    scales[c] = scales_of(codes[c], gauge, head.fit, value_width);
  }
  for (const KvContextRecord::Context& context : contexts.contexts()) {
    const keys::HeadRows rows = contexts.rows_of(context, head.head);
    const std::vector<keys::ExactAttention> exact = exact_of(head, context);
    const size_t first = context.first_query * head.group;
    for (size_t c = 0; c < codes.size(); ++c) {
      if (!scales[c]) continue;
      const ReadRows read = read_back(*scales[c], rows, context.rows);
      for (size_t i = 0; i < exact.size(); ++i) {
        records[c].all.set(first + i, exact[i].distortion(read.like(rows), 0));
        records[c].sinks_exact.set(first + i,
                                   exact[i].distortion(read.like(rows), head.sink_positions));
      }
      out[c].windows.push_back(records[c].all.sums(first, first + exact.size()));
    }
  }
  for (size_t c = 0; c < codes.size(); ++c) {
    if (!scales[c]) continue;
    out[c].all = records[c].all.summary();
    out[c].sinks_exact = records[c].sinks_exact.summary();
  }
  return out;
}

}  // namespace rg::experiments
