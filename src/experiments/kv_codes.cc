#include "experiments/kv_codes.h"

namespace rg::experiments {
namespace {

using keys::Centring;
using keys::GaugeKind;
using keys::ScaleOf;
using keys::ScaleRule;

KvCode plain_code(uint32_t bits) {
  return {.spec = {.bits = bits,
                   .scale_of = ScaleOf::key,
                   .rule = ScaleRule::least_squares,
                   .centring = Centring::raw},
          .gauge = GaugeKind::identity,
          .values = false};
}

const char* word_of(ScaleOf scale) {
  switch (scale) {
    case ScaleOf::key:
      return "key";
    case ScaleOf::channel:
      return "channel";
    default:
      return "head";
  }
}

const char* word_of(ScaleRule rule) {
  switch (rule) {
    case ScaleRule::least_squares:
      return "least_squares";
    case ScaleRule::norm:
      return "norm";
    default:
      return "unbiased";
  }
}

}  // namespace

bool KvCode::plain() const {
  return spec.scale_of == ScaleOf::key && spec.rule == ScaleRule::least_squares &&
         spec.centring == Centring::raw && gauge == GaugeKind::identity && !values;
}

bool KvCode::needs_fit() const {
  return spec.scale_of != ScaleOf::key || spec.centring == Centring::dataset_mean ||
         gauge == GaugeKind::itq_cosine;
}

std::vector<KvCode> kv_codes(const KvCodeRange& range) {
  std::vector<KvCode> out;
  for (uint32_t bits = range.fewest_bits; bits <= range.most_bits; ++bits) {
    const auto add = [&](const auto& change) {
      KvCode code = plain_code(bits);
      change(code);
      out.push_back(code);
    };
    add([](KvCode&) {});
    if (range.choice != KvCodeChoice::plain) {
      add([](KvCode& code) { code.spec.scale_of = ScaleOf::channel; });
      add([](KvCode& code) { code.spec.scale_of = ScaleOf::head; });
      add([](KvCode& code) { code.spec.rule = ScaleRule::norm; });
      add([](KvCode& code) { code.spec.rule = ScaleRule::unbiased; });
    }
    if (range.choice == KvCodeChoice::all) {
      add([](KvCode& code) { code.gauge = GaugeKind::signed_hadamard; });
      add([](KvCode& code) { code.gauge = GaugeKind::itq_cosine; });
      add([](KvCode& code) { code.spec.centring = Centring::dataset_mean; });
    }
    if (range.values) add([](KvCode& code) { code.values = true; });
  }
  return out;
}

Json kv_code_json(const KvCode& code) {
  return {{"bits", code.spec.bits},
          {"scale", word_of(code.spec.scale_of)},
          {"rule", word_of(code.spec.rule)},
          {"centring", code.spec.centring == Centring::raw ? "raw" : "dataset_mean"},
          {"gauge", keys::name_of(code.gauge)},
          {"values", code.values}};
}

}  // namespace rg::experiments
