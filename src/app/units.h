// Numbers as people write them: sizes, lists of layers.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace rg::app {

// "512", "16G", "1.5GB" (powers of 1000), "16GiB", "512MiB" (powers of 1024) as bytes; US001
// naming `option` otherwise.
uint64_t parse_size(std::string_view text, std::string_view option);

// "0,3,5-8" as ascending distinct numbers; US001 naming `option` otherwise.
std::vector<int> parse_number_list(std::string_view text, std::string_view option);

}  // namespace rg::app
