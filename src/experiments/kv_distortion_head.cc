#include "experiments/kv_distortion_head.h"

#include <algorithm>
#include <map>

#include "keys/gauge_maker.h"

namespace rg::experiments {
namespace {

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

std::map<keys::GaugeKind, keys::Gauge> gauges_of(const KvHeadContexts& head,
                                                 std::span<const KvCode> codes) {
  std::map<keys::GaugeKind, keys::Gauge> out;
  out.emplace(keys::GaugeKind::identity, keys::Gauge{});  // no matrix is needed for it
  const keys::HeadKeys place{
      .halves = {}, .planes = {}, .placement = {}, .place = head.place, .query_moments = {}};
  const keys::FitOptions options{};
  std::optional<keys::PackedKeys> packed;
  std::optional<keys::GaugeMaker> maker;
  for (const KvCode& code : codes) {
    if (out.count(code.gauge) > 0) continue;
    if (!maker) {
      packed.emplace(head.fit.values, head.fit.width, keys::PackedKeys::Use::turn_and_moments);
      maker.emplace(*packed, head.fit, place, options);
    }
    out.emplace(code.gauge, maker->make(code.gauge, 0).gauge);
  }
  return out;
}

CodedRows scales_of(const KvCode& code, const keys::Gauge& gauge, const keys::KeySet& fit,
                    uint32_t value_width) {
  CodedRows out{.of_keys = gauge.kind == keys::GaugeKind::identity
                               ? keys::fit_scales(fit, code.spec)
                               : keys::fit_scales(fit, code.spec, gauge.matrix),
                .of_values = {}};
  if (!code.values) return out;
  const keys::KeySet none{.width = value_width, .values = {}, .documents = {}};
  out.of_values = keys::fit_scales(none, {.bits = code.spec.bits,
                                          .scale_of = keys::ScaleOf::key,
                                          .rule = keys::ScaleRule::least_squares,
                                          .centring = keys::Centring::raw});
  return out;
}

// Keys read with errors at an earlier step, as they then are where they are scored.
void turn_errors(const keys::RotaryTurn& turn, std::span<const float> stored,
                 std::span<const float> scored, uint32_t width, std::vector<float>& read) {
  std::vector<double> change(width);
  for (size_t row = 0; row * width < read.size(); ++row) {
    for (size_t j = 0; j < width; ++j) {
      const size_t at = row * width + j;
      change[j] = static_cast<double>(read[at]) - static_cast<double>(stored[at]);
    }
    turn.turn(static_cast<uint32_t>(row), change);
    for (size_t j = 0; j < width; ++j) {
      const size_t at = row * width + j;
      read[at] = static_cast<float>(static_cast<double>(scored[at]) + change[j]);
    }
  }
}

ReadRows read_back(const CodedRows& code, const KvHeadContexts& head,
                   const KvContextRecord::Context& context, const keys::HeadRows& exact) {
  const std::span<const float> stored = head.contexts.stored_keys(context, head.head);
  ReadRows out{.keys = {stored.begin(), stored.end()},
               .values = {exact.values.begin(), exact.values.end()}};
  keys::quantise(code.of_keys, out.keys.data(), context.rows, exact.key_width);
  if (head.turn != nullptr) {
    turn_errors(*head.turn, stored, exact.keys, exact.key_width, out.keys);
  }
  if (code.of_values) {
    keys::quantise(*code.of_values, out.values.data(), context.rows, exact.value_width);
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

double squares(std::span<const float> values) {
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value) * static_cast<double>(value);
  return sum;
}

double squared_distance(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

using Records = KvBoth<keys::DistortionRecord>;
KvMeasured measured_of(const keys::DistortionRecord& record, size_t slots) {
  return {.sums = record.sums(0, slots), .summary = record.summary()};
}

// One context under one code.
void measure_context(const KvHeadContexts& head, const KvContextRecord::Context& context,
                     std::span<const keys::ExactAttention> exact, const CodedRows& code,
                     Records& records, KvCodeResult& out) {
  const keys::HeadRows rows = head.contexts.rows_of(context, head.head);
  const ReadRows read = read_back(code, head, context, rows);
  const size_t first = context.first_query * head.group, end = first + exact.size();
  for (size_t i = 0; i < exact.size(); ++i) {
    records.all.set(first + i, exact[i].distortion(read.like(rows), 0));
    records.sinks_exact.set(first + i, exact[i].distortion(read.like(rows), head.sink_positions));
  }
  out.key_error += squared_distance(read.keys, rows.keys);
  if (code.of_values) out.value_error += squared_distance(read.values, rows.values);
  out.windows.push_back(
      {.all = records.all.sums(first, end), .sinks_exact = records.sinks_exact.sums(first, end)});
}

}  // namespace

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

KvHeadResult measure_kv_distortion(const KvHeadContexts& head, std::span<const KvCode> codes) {
  const KvContextRecord& contexts = head.contexts;
  const std::map<keys::GaugeKind, keys::Gauge> gauges = gauges_of(head, codes);
  const size_t slots = contexts.queries() * head.group;
  KvHeadResult out;
  out.codes.resize(codes.size());
  std::vector<std::optional<CodedRows>> scales(codes.size());
  std::vector<Records> records(
      codes.size(), Records{keys::DistortionRecord(slots), keys::DistortionRecord(slots)});
  for (size_t c = 0; c < codes.size(); ++c) {
    const keys::Gauge& gauge = gauges.at(codes[c].gauge);
    out.codes[c].refused = gauge.refused;
    if (head.fit.rows() == 0 && codes[c].needs_fit()) out.codes[c].refused = "no keys to fit on";
    if (!out.codes[c].refused.empty() || contexts.contexts().empty()) continue;
    const uint32_t value_width = contexts.rows_of(contexts.contexts()[0], head.head).value_width;
    scales[c] = scales_of(codes[c], gauge, head.fit, value_width);
  }
  for (const KvContextRecord::Context& context : contexts.contexts()) {
    const std::vector<keys::ExactAttention> exact = exact_of(head, context);
    const keys::HeadRows rows = contexts.rows_of(context, head.head);
    out.key_energy += squares(rows.keys);
    out.value_energy += squares(rows.values);
    for (size_t c = 0; c < codes.size(); ++c) {
      if (scales[c]) measure_context(head, context, exact, *scales[c], records[c], out.codes[c]);
    }
  }
  for (size_t c = 0; c < codes.size(); ++c) {
    if (!scales[c]) continue;
    out.codes[c].measured = {.all = measured_of(records[c].all, slots),
                             .sinks_exact = measured_of(records[c].sinks_exact, slots)};
  }
  return out;
}

}  // namespace rg::experiments
