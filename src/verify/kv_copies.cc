#include "verify/kv_copies.h"

#include <fmt/format.h>

#include <algorithm>

namespace rg::verify::kv {
namespace {

constexpr size_t kMostCopiesNamed = 5;

bool all_zero(const std::vector<double>& values) {
  return std::all_of(values.begin(), values.end(), [](double value) { return value == 0; });
}

}  // namespace

void Copies::visit(const std::string& owner, const std::string& member, const Windows& values) {
  std::vector<double> defined;
  for (const std::optional<double>& value : values) defined.push_back(*value);
  if (all_zero(defined)) return;
  for (size_t u = 0; u < values.size(); ++u) of_part_[u].push_back(defined[u]);
  const std::string path = owner + '.' + member;
  if (values.size() >= 2 && std::all_of(defined.begin(), defined.end(),
                                        [&](double value) { return value == defined.front(); })) {
    inspect_.warn(fmt::format("{} is the same in every {}", path, words_.part));
    return;
  }
  const auto [known, is_new] = arrays_.try_emplace(values, Seen{owner, path});
  if (!is_new && known->second.owner != owner) {
    inspect_.warn(fmt::format("{} and {} are identical", known->second.path, path));
  }
}

void Copies::report_parts() {
  std::map<std::vector<double>, size_t> first;
  size_t copies = 0;
  for (size_t u = 0; u < of_part_.size(); ++u) {
    if (all_zero(of_part_[u])) continue;
    const auto [known, is_new] = first.try_emplace(of_part_[u], u);
    if (is_new) continue;
    if (++copies > kMostCopiesNamed) continue;
    inspect_.warn(fmt::format("{}s {} and {} identical in all {}", words_.part, known->second, u,
                              words_.owners));
  }
  if (copies > kMostCopiesNamed) {
    inspect_.warn(fmt::format("{} {}s are copies of earlier ones", copies, words_.part));
  }
}

}  // namespace rg::verify::kv
