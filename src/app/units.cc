#include "app/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>

#include "base/error.h"

namespace rg::app {
namespace {

Error bad_value(std::string_view text, std::string_view option, std::string_view expected) {
  return Error(ErrorId::US001, {.object = std::string(option),
                                .found = fmt::format("'{}'", text),
                                .expected = std::string(expected)});
}

std::optional<int> whole_number(std::string_view text) {
  int value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure != std::errc() || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

constexpr int kLargestLayer = 100'000;

}  // namespace

uint64_t parse_size(std::string_view text, std::string_view option) {
  constexpr std::string_view kExpected = "a size such as 512MiB, 16G or 1.5GB";
  struct Unit {
    std::string_view name;
    double bytes;
  };
  constexpr std::array kUnits = {Unit{"", 1.0},
                                 Unit{"B", 1.0},
                                 Unit{"K", 1e3},
                                 Unit{"KB", 1e3},
                                 Unit{"M", 1e6},
                                 Unit{"MB", 1e6},
                                 Unit{"G", 1e9},
                                 Unit{"GB", 1e9},
                                 Unit{"T", 1e12},
                                 Unit{"TB", 1e12},
                                 Unit{"KiB", 1024.0},
                                 Unit{"MiB", 1048576.0},
                                 Unit{"GiB", 1073741824.0},
                                 Unit{"TiB", 1099511627776.0}};
  double number = 0;
  const auto [end, failure] =
      std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  const std::string_view suffix = text.substr(static_cast<size_t>(end - text.data()));
  const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                 [&](const Unit& row) { return row.name == suffix; });
  if (failure != std::errc() || unit == kUnits.end() || !(number > 0)) {
    throw bad_value(text, option, kExpected);
  }
  const double bytes = number * unit->bytes;
  if (!(bytes >= 1.0 && bytes < 9e18)) throw bad_value(text, option, kExpected);
  return static_cast<uint64_t>(bytes);
}

std::vector<int> parse_number_list(std::string_view text, std::string_view option) {
  constexpr std::string_view kExpected = "numbers and ranges such as 0,3,5-8";
  std::vector<int> numbers;
  std::string_view rest = text;
  while (true) {
    const size_t comma = rest.find(',');
    const std::string_view item = rest.substr(0, comma);
    const size_t dash = item.find('-');
    const auto first = whole_number(item.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : whole_number(item.substr(dash + 1));
    if (!first || !last || *last < *first || *last > kLargestLayer) {
      throw bad_value(text, option, kExpected);
    }
    for (int number = *first; number <= *last; ++number) numbers.push_back(number);
    if (comma == std::string_view::npos) break;
    rest.remove_prefix(comma + 1);
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

}  // namespace rg::app
