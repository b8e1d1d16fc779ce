// Any bytes as .gz or .zst: damage gives an error id, and the output doesn't depend on how the
// bytes arrive.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "property.h"
#include "text/decoded_file.h"

namespace {

using namespace rg;
using namespace rg::text;
using rg::fuzz::require;

// Hands out `first` bytes, then `step` at a time.
class SlowSource final : public ByteSource {
 public:
  SlowSource(std::string_view bytes, size_t first, size_t step)
      : bytes_(bytes), next_(first), step_(step) {}
  std::string_view next() override {
    const std::string_view part = bytes_.substr(0, next_);
    bytes_.remove_prefix(part.size());
    next_ = step_;
    return part;
  }

 private:
  std::string_view bytes_;
  size_t next_, step_;
};

struct Outcome {
  std::string text;
  std::string error;  // its id, or none
  bool operator==(const Outcome&) const = default;
};

constexpr uint64_t kLimit = uint64_t{4} << 20;

Outcome decode(Compression compression, ByteSource& source) {
  Outcome outcome;
  DecompressionBudget budget{.total_bytes = kLimit};
  try {
    DecodedStream stream(compression, source, "file", budget);
    for (std::string_view part = stream.next(); !part.empty(); part = stream.next())
      outcome.text += part;
  } catch (const Error& error) {
    require(error.id() == ErrorId::CO005 || error.id() == ErrorId::CO006 ||
                error.id() == ErrorId::CO008,
            "damage has its number");
    outcome.error = error_name(error.id());
    outcome.text.clear();  // how much text came before the error isn't specified
  }
  require(outcome.text.size() <= kLimit, "the budget holds");
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const auto compression = data[0] % 2 == 0 ? Compression::gzip : Compression::zstd;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  MemorySource whole(bytes);
  const Outcome outcome = decode(compression, whole);
  const auto arriving = [&](size_t first, size_t step) {
    SlowSource slow(bytes, first, step);
    require(decode(compression, slow) == outcome, "it doesn't matter how the bytes arrive");
  };
  arriving(1, 1);
  arriving(3, 3);
  arriving(1 + size * data[size - 1] / 256, size);  // in two pieces, the last byte says where
  return 0;
}
