#include "text/patterns.h"

#include <algorithm>
#include <array>

namespace rg::text {
namespace {

constexpr std::string_view kGpt2 =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

constexpr std::array<TestedPattern, 10> kTested{{
    {"GPT-2, OLMoE (Split form)", kGpt2},
    {"Qwen1.5-MoE, Qwen2-MoE, Qwen3-MoE",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"GLM-4.5, Llama-3, DBRX",
     R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"GPT-OSS, Llama-4, MiniMax-M2 (o200k)",
     R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"DeepSeek-V3, step 1", R"(\p{N}{1,3})"},
    {"DeepSeek-V3, step 2", R"([一-龥぀-ゟ゠-ヿ]+)"},
    {"DeepSeek-V3, step 3",
     R"([!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)"},
    {"single digits", R"(\p{N})"},
    {"single digits", R"(\d)"},
    {"line ends", R"([\r\n])"},
}};

}  // namespace

std::span<const TestedPattern> tested_patterns() { return kTested; }

bool is_tested_pattern(std::string_view pattern) {
  return std::any_of(kTested.begin(), kTested.end(),
                     [&](const TestedPattern& tested) { return tested.pattern == pattern; });
}

std::string_view gpt2_pattern() { return kGpt2; }

}  // namespace rg::text
