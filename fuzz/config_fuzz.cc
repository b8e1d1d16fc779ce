// config.json of any family, bound to whatever tensors it asks for: within a second of processor
// time and 64 MiB it is refused with a number of class input, or gives a model that keeps what the
// engine relies on, and the same one again. Which tensors there are where the family has a choice:
// none, all, or some that follow from the text.
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <functional>
#include <new>
#include <optional>
#include <string>
#include <string_view>

#ifdef RG_LIBFUZZER
#include "json_mutator.h"
#endif
#include "base/json.h"
#include "model/model.h"
#include "property.h"
#include "support/counted_memory.h"
#include "support/sound_model.h"

namespace rg::fuzz {
namespace {

using Has = std::function<bool(std::string_view)>;

// Experts in one tensor cost memory that no tensor accounts for: 1,024 of them half a MiB a layer.
// So many tensors are some fifty layers.
constexpr size_t kMostTensors = 500;
constexpr size_t kMostBytes = size_t{64} << 20;
constexpr double kMostSeconds = 1;

// FNV-1a, for choices that follow from the input.
uint32_t hash(std::string_view text, uint32_t start) {
  for (const char c : text) start = (start ^ static_cast<uint8_t>(c)) * 16777619u;
  return start;
}

// What a model is made of, as far as it is shown; nothing if it was refused.
std::optional<std::string> bound(std::string_view config, const Has& has) {
  try {
    const auto checkpoint = formats::Checkpoint::of_config(
        config, formats::RequestedTensors(
                    {.dtype = DType::bf16, .most_tensors = kMostTensors, .has = has}));
    const model::Model model = model::bind_model(checkpoint);
    for (const std::string& flaw : test::SoundModel::flaws(model)) require(false, flaw.c_str());
    std::string shown = model.family;
    for (const model::Origin& origin : model.origins) {
      require(!origin.field.empty() && !origin.source.empty(), "every field has a source");
      shown += '\n' + origin.field + '=' + origin.value;
    }
    for (const auto& [name, tensor] : checkpoint.requested()->made()) {
      shown += '\n' + name + formats::shape_text(tensor.shape);
    }
    return shown;
  } catch (const Error& error) {
    require(error.exit_code() == ExitCode::input, "a refusal is of class input");
    require(std::string_view(error.what()).size() < 8000, "a message stays short");
    return std::nullopt;
  } catch (const std::bad_alloc&) {
    require(false, "64 MiB are enough");
    return std::nullopt;
  }
}

void check(std::string_view config, const Has& has) {
  std::optional<std::string> first;
  const std::clock_t begin = std::clock();
  test::CountedMemory::peak_of(kMostBytes, [&] { first = bound(config, has); });
  const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  require(seconds < kMostSeconds, "a second is enough");
  if (first) require(bound(config, has) == first, "the same config gives the same model");
}

}  // namespace
}  // namespace rg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view config(reinterpret_cast<const char*>(data), size);
  const uint32_t start = rg::fuzz::hash(config, 2166136261u);
  rg::fuzz::check(config, [](std::string_view) { return false; });
  rg::fuzz::check(config, [](std::string_view) { return true; });
  rg::fuzz::check(
      config, [=](std::string_view name) { return (rg::fuzz::hash(name, start) >> 16 & 1) != 0; });
  return 0;
}
