// Numbers as people write and read them: sizes, counts, times, layer lists.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rg::app {

// "512", "16G", "1.5GB" (powers of 1000), "16GiB", "512MiB" (powers of 1024) as bytes; US001
// naming `option` otherwise.
uint64_t parse_size(std::string_view text, std::string_view option);

// "0,3,5-8" as ascending distinct numbers; US001 naming `option` otherwise.
std::vector<int> parse_number_list(std::string_view text, std::string_view option);

std::string format_bytes(uint64_t bytes);                    // "1.47 GB", "961 bytes"
std::string format_count(uint64_t count);                    // "1,000,000"
std::string counted(uint64_t count, std::string_view noun);  // "1 window", "2,000 windows"
std::string format_seconds(double seconds);                  // "0.4 s", "3 min 12 s", "2 h 05 min"
std::string format_ranges(const std::vector<int>& numbers);  // "0-3,5,7-8"

}  // namespace rg::app
