#include "app/pass_options.h"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/units.h"

namespace rg::app {
namespace {

void add_text_options(CLI::App& command, PassOptions& options, RawPass& raw) {
  const char* group = "Text";
  command
      .add_option("--domain", raw.domains,
                  "a body of text under a name: a file or folder of txt, md, source code or jsonl, "
                  "also .gz and .zst; may be repeated")
      ->type_name("NAME=PATH")
      ->allow_extra_args(false)
      ->group(group);
  command.add_option("--seq-len", options.text.windows.seq_len, "tokens per window, 2 to 1048576")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  command.add_option("--windows", raw.windows, "windows per domain, or all; a verdict needs 200")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  command.add_option("--seed", options.text.windows.seed, "of every random choice")
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--text-field", options.text.windows.text_field,
                  "where a jsonl record has its text")
      ->type_name("NAME")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--utf8", raw.utf8, "text that is not UTF-8: refuse, or replace what is invalid")
      ->type_name("HOW")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--max-decompressed", raw.max_decompressed,
                  "bytes that a .gz or .zst file may unpack to, such as 8GiB (default 64GiB)")
      ->type_name("SIZE")
      ->group(group);
  command.add_flag("--pack", raw.pack, "let windows cross documents (recorded)")->group(group);
  command
      .add_flag("--allow-regex", options.text.allow_regex,
                "accept a pre-tokenizer pattern that is not on the tested list (recorded)")
      ->group(group);
}

void add_engine_options(CLI::App& command, PassOptions& options, RawPass& raw) {
  const char* group = "Engine";
  command
      .add_option("--layers", raw.layers,
                  "MoE layers to measure, such as 0,3,5-8 (default every one)")
      ->type_name("LIST")
      ->group(group);
  command
      .add_option("--compute", raw.compute,
                  "number format of the matrix products: auto, bf16 or f32")
      ->type_name("TYPE")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--threads", options.engine.threads, "workers, 1 to 1024 (default one per core)")
      ->type_name("N")
      ->group(group);
  command
      .add_option("--memory", raw.memory,
                  "budget in bytes, such as 16G or 8GiB; what does not fit is kept on disk "
                  "(default what is available)")
      ->type_name("SIZE")
      ->group(group);
  command
      .add_option("--block-windows", options.engine.block_windows,
                  "windows computed together; changes no result (default by the plan)")
      ->type_name("N")
      ->group(group);
  command
      .add_option("--nonfinite", raw.nonfinite, "NaN or Inf in the weights: stop, or record them")
      ->type_name("HOW")
      ->capture_default_str()
      ->group(group);
  command
      .add_option("--disk", raw.disk, "bytes that the disk reads per second, for the expected time")
      ->type_name("SIZE")
      ->capture_default_str()
      ->group(group);
}

text::DomainSpec parse_domain(const std::string& text) {
  const size_t equals = text.find('=');
  const std::string name = text.substr(0, equals);
  const bool plain = !name.empty() && name.size() <= 100 && name[0] != '.' &&
                     name.find_first_of("/\\") == std::string::npos;
  if (equals == std::string::npos || equals + 1 == text.size() || !plain) {
    throw usage_error("--domain", fmt::format("'{}'", text),
                      "NAME=PATH, the name without slashes and not beginning with a dot");
  }
  return {.name = name, .path = text.substr(equals + 1)};
}

std::vector<text::DomainSpec> parse_domains(const std::vector<std::string>& texts) {
  std::vector<text::DomainSpec> domains;
  for (const std::string& text : texts) {
    text::DomainSpec domain = parse_domain(text);
    for (const text::DomainSpec& known : domains) {
      if (known.name != domain.name) continue;
      throw usage_error("--domain", fmt::format("'{}' twice", domain.name),
                        "every domain under a name of its own");
    }
    domains.push_back(std::move(domain));
  }
  return domains;
}

uint32_t parse_window_count(const std::string& text) {
  const std::vector<int> numbers = parse_number_list(text, "--windows");
  if (numbers.size() != 1 || numbers[0] == 0) {
    throw usage_error("--windows", fmt::format("'{}'", text),
                      "a number from 1 to 100,000, or 'all'");
  }
  return static_cast<uint32_t>(numbers[0]);
}

void finish_text(PassOptions& options, const RawPass& raw) {
  options.text.domains = parse_domains(raw.domains);
  text::WindowSettings& windows = options.text.windows;
  if (!raw.max_decompressed.empty()) {
    windows.max_decompressed_bytes = parse_size(raw.max_decompressed, "--max-decompressed");
  }
  if (raw.windows == "all") {
    windows.windows.reset();
  } else {
    windows.windows = parse_window_count(raw.windows);
  }
  windows.utf8 = one_of(raw.utf8, {"refuse", "replace"}, "--utf8") == "replace"
                     ? text::Utf8Policy::replace
                     : text::Utf8Policy::refuse;
  windows.packing = raw.pack ? text::Packing::packed : text::Packing::by_document;
  constexpr uint32_t kLongestWindow = 1u << 20;
  if (windows.seq_len < 2 || windows.seq_len > kLongestWindow) {
    throw usage_error("--seq-len", std::to_string(windows.seq_len), "2 to 1,048,576");
  }
}

}  // namespace

void add_pass_options(CLI::App& command, PassOptions& options, RawPass& raw) {
  add_text_options(command, options, raw);
  add_engine_options(command, options, raw);
}

void finish_pass(PassOptions& options, const RawPass& raw) {
  finish_text(options, raw);
  if (!raw.layers.empty()) options.layers = parse_number_list(raw.layers, "--layers");
  if (!raw.memory.empty()) options.engine.memory_bytes = parse_size(raw.memory, "--memory");
  options.engine.disk_bytes_per_s = static_cast<double>(parse_size(raw.disk, "--disk"));
  options.engine.compute = one_of(raw.compute, {"auto", "bf16", "f32"}, "--compute");
  options.engine.nonfinite = one_of(raw.nonfinite, {"stop", "record"}, "--nonfinite") == "record"
                                 ? stream::NonFinite::record
                                 : stream::NonFinite::stop;
  constexpr int kMostThreads = 1024;
  if (options.engine.threads < 0 || options.engine.threads > kMostThreads) {
    throw usage_error("--threads", std::to_string(options.engine.threads), "1 to 1024");
  }
}

Error usage_error(std::string object, std::string found, std::string expected) {
  return Error(ErrorId::US001, {.object = std::move(object),
                                .found = std::move(found),
                                .expected = std::move(expected),
                                .hint = "See routegauge --help."});
}

std::string one_of(const std::string& text, std::initializer_list<const char*> allowed,
                   const char* option) {
  std::string list;
  for (const char* value : allowed) {
    if (text == value) return text;
    list += (list.empty() ? "" : ", ") + std::string(value);
  }
  throw usage_error(option, fmt::format("'{}'", text), "one of " + list);
}

}  // namespace rg::app
