#include "lab/prompts.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"

namespace rg::lab {
namespace {

constexpr uint64_t kMaxPromptFileBytes = 64u << 20;
constexpr size_t kMaxPrompts = 10'000;

uint32_t position_by_offsets(const text::Encoding& encoding, size_t last_byte) {
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    if (encoding.begins[i] <= last_byte && last_byte < encoding.ends[i]) {
      return static_cast<uint32_t>(i);
    }
  }
  check_internal(false, "every byte of a probe belongs to a token");
  return 0;
}

uint32_t position_by_piece(const text::Tokenizer& tokenizer, const text::Encoding& encoding,
                           const std::string& target) {
  for (size_t i = 0; i < encoding.ids.size(); ++i) {
    if (tokenizer.token_bytes(encoding.ids[i]).find(target) != std::string::npos) {
      return static_cast<uint32_t>(i);
    }
  }
  return static_cast<uint32_t>(encoding.ids.size() - 1);
}

void check_length(const std::string& text, size_t tokens, uint32_t max_positions) {
  if (tokens != 0 && tokens <= max_positions) return;
  throw Error(ErrorId::CF017,
              {.object = fmt::format("prompt \"{}\"", escape_for_terminal(text)),
               .found = fmt::format("{} tokens", tokens),
               .expected = fmt::format("1 to {}, the model's positions", max_positions),
               .hint = tokens == 0 ? "The tokenizer makes nothing of this text: leave it out."
                                   : "Give shorter ones by --parameter prompts."});
}

// Names both sets; the second is the first without a mask.
void finish_sets(Prompts& input) {
  input.causal.name = "prompts";
  input.unmasked = input.causal;
  input.unmasked.name = "prompts-unmasked";
  input.unmasked.causal = false;
}

Error bad_prompts(const std::string& file, std::string found, std::string hint) {
  return Error(ErrorId::US001, {.file = file,
                                .object = "--parameter prompts",
                                .found = std::move(found),
                                .expected = "a JSON array of strings, none empty",
                                .hint = std::move(hint)});
}

}  // namespace

const experiments::PromptTexts* declared_prompts(const ExperimentSettings& asked) {
  for (const std::string& name : asked.names) {
    if (const auto* declared = declaration_of(name).prompts) return declared;
  }
  return nullptr;
}

std::vector<std::string> prompt_texts(const ExperimentSettings& asked) {
  const experiments::PromptTexts* declared = declared_prompts(asked);
  if (declared == nullptr) return {};
  const auto given = asked.parameters.find("prompts");
  if (given == asked.parameters.end()) return declared->prompts;
  std::string file;
  Json list = given->second;
  if (list.is_string()) {
    file = list.get<std::string>();
    list = parse_json(read_whole_file(file, kMaxPromptFileBytes), JsonLimits{}, file);
  }
  if (!list.is_array()) {
    throw bad_prompts(file, "another JSON value", "One prompt is written as [\"prompt\"].");
  }
  if (list.empty() || list.size() > kMaxPrompts) {
    throw bad_prompts(file, fmt::format("{} prompts", list.size()),
                      fmt::format("Give 1 to {}.", kMaxPrompts));
  }
  std::vector<std::string> texts;
  for (const Json& item : list) {
    if (!item.is_string() || item.get_ref<const std::string&>().empty()) {
      throw bad_prompts(file,
                        fmt::format("item {}: {}", texts.size(),
                                    escape_for_terminal(write_json(item, JsonLayout::compact))),
                        item.is_string() ? "Leave it out." : "Write it as a string.");
    }
    texts.push_back(item.get<std::string>());
  }
  return texts;
}

Prompts make_prompts(const text::Tokenizer& tokenizer, const std::vector<std::string>& texts,
                     const std::vector<experiments::ProbeTexts>& probes, uint32_t max_positions) {
  Prompts input;
  const auto encode = [&](const std::string& text) {
    text::Encoding encoding = tokenizer.encode(text, text::SpecialTokens::add);
    check_length(text, encoding.ids.size(), max_positions);
    input.causal.lengths.push_back(static_cast<uint32_t>(encoding.ids.size()));
    input.causal.ids.insert(input.causal.ids.end(), encoding.ids.begin(), encoding.ids.end());
    return encoding;
  };
  for (const std::string& text : texts) {
    const auto last = static_cast<uint32_t>(encode(text).ids.size() - 1);
    input.prompts.push_back(
        {.text = text, .target = "", .exact_position = last, .published_position = last});
  }
  for (const experiments::ProbeTexts& probe : probes) {
    for (const std::string& context : probe.contexts) {
      const text::Encoding encoding = encode(context);
      const size_t last_byte = context.find(probe.target) + probe.target.size() - 1;
      input.prompts.push_back(
          {.text = context,
           .target = probe.target,
           .exact_position = position_by_offsets(encoding, last_byte),
           .published_position = position_by_piece(tokenizer, encoding, probe.target)});
    }
  }
  finish_sets(input);
  return input;
}

Prompts assume_prompts(const std::vector<std::string>& texts,
                       const std::vector<experiments::ProbeTexts>& probes, uint32_t vocabulary,
                       uint32_t max_positions) {
  Prompts input;
  const auto add = [&](const std::string& text, const std::string& target) {
    const size_t tokens = (text.size() + kAssumedBytesPerToken - 1) / kAssumedBytesPerToken;
    check_length(text, tokens, max_positions);
    input.causal.lengths.push_back(static_cast<uint32_t>(tokens));
    for (size_t i = 0; i < tokens; ++i) {
      input.causal.ids.push_back(static_cast<int32_t>(input.causal.ids.size() % vocabulary));
    }
    const auto last = static_cast<uint32_t>(tokens - 1);
    input.prompts.push_back(
        {.text = text, .target = target, .exact_position = last, .published_position = last});
  };
  for (const std::string& text : texts) add(text, "");
  for (const experiments::ProbeTexts& probe : probes) {
    for (const std::string& context : probe.contexts) add(context, probe.target);
  }
  finish_sets(input);
  return input;
}

void check_lengths(const Prompts& prompts, uint32_t max_positions) {
  for (size_t i = 0; i < prompts.prompts.size(); ++i) {
    check_length(prompts.prompts[i].text, prompts.causal.lengths[i], max_positions);
  }
}

}  // namespace rg::lab
