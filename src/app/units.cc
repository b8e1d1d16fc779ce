#include "app/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
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

std::string format_bytes(uint64_t bytes) {
  constexpr std::array<std::string_view, 4> kUnits = {"KB", "MB", "GB", "TB"};
  if (bytes < 1000) return fmt::format("{} bytes", bytes);
  double value = static_cast<double>(bytes) / 1000.0;
  size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000.0;
    ++unit;
  }
  const int decimals = value < 9.995 ? 2 : value < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f} {}", value, decimals, kUnits[unit]);
}

std::string format_count(uint64_t count) {
  std::string digits = std::to_string(count);
  for (size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string counted(uint64_t count, std::string_view noun) {
  return fmt::format("{} {}{}", format_count(count), noun, count == 1 ? "" : "s");
}

std::string format_seconds(double seconds) {
  if (!(seconds >= 0)) return "?";
  if (seconds < 9.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<uint64_t>(std::llround(seconds));
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole % 3600 / 60);
}

std::string format_ranges(const std::vector<int>& numbers) {
  std::string text;
  for (size_t i = 0; i < numbers.size();) {
    size_t last = i;
    while (last + 1 < numbers.size() && numbers[last + 1] == numbers[last] + 1) ++last;
    if (!text.empty()) text += ',';
    text +=
        last == i ? fmt::format("{}", numbers[i]) : fmt::format("{}-{}", numbers[i], numbers[last]);
    i = last + 1;
  }
  return text;
}

}  // namespace rg::app
