// Numbers as people read them: sizes, counts, times, lists of layers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rg {

std::string format_bytes(uint64_t bytes);                    // "1.47 GB", "961 bytes"
std::string format_count(uint64_t count);                    // "1,000,000"
std::string counted(uint64_t count, std::string_view noun);  // "1 window", "2,000 windows"
std::string format_seconds(double seconds);                  // "0.4 s", "3 min 12 s", "2 h 05 min"
std::string format_ranges(const std::vector<int>& numbers);  // "0-3,5,7-8"

}  // namespace rg
