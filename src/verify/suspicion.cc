// Warnings about what no real measurement shows.
#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <unordered_map>

#include "verify/header.h"

namespace rg::verify {
namespace {

constexpr size_t kMaxNamed = 5;
constexpr double kFewUndefined = 0.001;
constexpr size_t kFewCounts = 10;  // windows with any: such arrays agree by chance

uint64_t mix(uint64_t state, uint64_t word) {
  state ^= word + 0x9e3779b97f4a7c15 + (state << 6) + (state >> 2);
  state *= 0xff51afd7ed558ccd;
  return state ^ (state >> 33);
}

uint64_t fingerprint(const Value& value) {
  if (value.is_number()) return mix(1, std::bit_cast<uint64_t>(value.number()));
  if (!value.is(Kind::array)) return static_cast<uint64_t>(value.kind());
  uint64_t state = 7;
  for (const Value& element : value.array()) state = mix(state, fingerprint(element));
  return state;
}

class Suspicion {
 public:
  Suspicion(Inspector& inspect, uint64_t n) : inspect_(inspect), windows_(n, 0) {}

  void visit(const At& at, const std::string& layer) {
    if (at.value->is(Kind::object)) {
      for (const Member& member : at.value->object().members) {
        const bool is_layer = inspect_.layer_key(member.key).has_value();
        visit({&member.value, at.path + '.' + member.key}, is_layer ? member.key : layer);
      }
    } else if (at.value->is(Kind::array) && at.value->array().size() == windows_.size()) {
      visit_array(at, layer);
    }
  }

  void report_windows() {
    std::unordered_map<uint64_t, size_t> first;
    size_t named = 0;
    size_t copies = 0;
    for (size_t w = 0; w < windows_.size(); ++w) {
      const auto [known, is_new] = first.try_emplace(windows_[w], w);
      if (is_new) continue;
      ++copies;
      if (++named > kMaxNamed) continue;
      inspect_.warn(fmt::format("windows {} and {} identical in all layers", known->second, w));
    }
    if (copies > kMaxNamed) {
      inspect_.warn(fmt::format("{} windows are copies of earlier ones", copies));
    }
  }

 private:
  void visit_array(const At& at, const std::string& layer) {
    const Array& values = at.value->array();
    uint64_t whole = 3;
    bool constant = true;
    size_t measured = 0;  // windows with anything but a count of nothing
    for (size_t w = 0; w < values.size(); ++w) {
      const uint64_t print = fingerprint(values[w]);
      windows_[w] = mix(windows_[w], print);
      whole = mix(whole, print);
      constant = constant && print == fingerprint(values[0]);
      if (!values[w].is(Kind::integer) || values[w].integer() != 0) ++measured;
    }
    const Value& head = values[0];
    // Counts may well be constant; a measured real number is not.
    const bool trivial = !head.is(Kind::real) || head.number() == 0.0 || values.size() < 2;
    // Where no expert has written yet, its subset is the popularity null in every window.
    const bool null_value = at.path.find(".val.experts.") != std::string::npos;
    if (constant) {
      if (!trivial && !null_value)
        inspect_.warn(fmt::format("{} is the same in every window", at.path));
      return;
    }
    if (measured < std::min(kFewCounts, values.size())) return;
    // The same tokens may lack a margin, or a part, at every layer; strata, and the change of the
    // next token's probability over all others, follow from which do.
    const std::string path = at.path + '.';
    for (const char* name :
         {".n_undefined.", ".agreement_positions.", ".n_le.", ".n_le_per_window.", ".mass_beh."}) {
      if (path.find(name) != std::string::npos) return;
    }
    const auto [known, is_new] = arrays_.try_emplace(whole, Seen{at.path, layer});
    if (!is_new && known->second.layer != layer) {
      inspect_.warn(fmt::format("{} and {} are identical", known->second.path, at.path));
    }
  }

  struct Seen {
    std::string path, layer;
  };
  Inspector& inspect_;
  std::vector<uint64_t> windows_;
  std::unordered_map<uint64_t, Seen> arrays_;
};

constexpr std::string_view kCommonMembers[] = {
    "schema_version", "test",        "model",           "edge",           "domain",  "data",
    "layers",         "per_window",  "verification",    "gate_semantics", "summary", "null_reasons",
    "settings",       "inputs",      "numeric_profile", "tensors",        "notes",   "nonfinite",
    "manifest",       "body_sha256", "program_version", "family"};

}  // namespace

void warn_too_good(Inspector& inspect, const At& per_window, uint64_t n_windows) {
  if (!per_window || n_windows < 2) return;
  Suspicion suspicion(inspect, n_windows);
  suspicion.visit(per_window, "");
  suspicion.report_windows();
}

void warn_undefined(Inspector& inspect, const std::function<At(int)>& counts_of,
                    const Header& header) {
  const double positions = static_cast<double>(header.n_windows) * (header.seq_len - 1.0);
  std::string found;
  for (const int layer : header.layers) {
    const At at = counts_of(layer);
    if (!at || !at.value->is(Kind::array)) continue;
    double undefined = 0;
    for (const Value& value : at.value->array()) {
      if (value.is(Kind::integer)) undefined += value.number();
    }
    const double share = undefined / positions;
    if (share <= kFewUndefined) continue;
    found += fmt::format("{}{:.3g} % at layer {}", found.empty() ? "" : ", ", 100 * share, layer);
  }
  if (found.empty()) return;
  inspect.warn("more than 0.1 % of the positions have no finite margin: " + found);
}

void check_members(Inspector& inspect, const At& root,
                   const std::vector<std::string_view>& of_this_test) {
  for (const Member& member : root.value->object().members) {
    const auto names = [&](const auto& list) {
      return std::find(std::begin(list), std::end(list), member.key) != std::end(list);
    };
    if (names(kCommonMembers) || names(of_this_test)) continue;
    if (inspect.options().strict_members) {
      inspect.invalid(Check::member_known, member.key, "is not a member of the format");
    } else {
      inspect.warn(fmt::format("unknown member `{}` was not judged", member.key));
    }
  }
}

}  // namespace rg::verify
