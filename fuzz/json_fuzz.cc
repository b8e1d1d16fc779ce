// Everything the strict reader accepts, nlohmann accepts too; it survives writing in every layout;
// and every event's offset points at its value.
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/json.h"
#include "property.h"

namespace rg::fuzz {
namespace {

constexpr JsonLimits kLimits = {.max_depth = 64, .max_bytes = 1u << 20};

class OffsetChecker final : public JsonEvents {
 public:
  explicit OffsetChecker(std::string_view text) : text_(text) {}
  void null(size_t at) override { expect(at, "n"); }
  void boolean(bool value, size_t at) override { expect(at, value ? "t" : "f"); }
  void integer(int64_t, size_t at) override { expect(at, "-"); }
  void unsigned_integer(uint64_t, size_t at) override { expect(at, "-0123456789"); }
  void real(double, size_t at) override { expect(at, "-0123456789"); }
  void string(std::string&, size_t at) override { expect(at, "\""); }
  void key(std::string&, size_t at) override { expect(at, "\""); }
  void start_object(size_t at) override { expect(at, "{"); }
  void end_object(size_t at) override { expect(at, "}"); }
  void start_array(size_t at) override { expect(at, "["); }
  void end_array(size_t at) override { expect(at, "]"); }

 private:
  void expect(size_t at, std::string_view first) {
    require(at >= next_ && at < text_.size(), "offsets ascend within the text");
    require(first.find(text_[at]) != first.npos, "an offset points at its value");
    next_ = at + 1;
  }
  std::string_view text_;
  size_t next_ = 0;
};

Json parse(std::string_view text) { return parse_json(text, kLimits, "input"); }

}  // namespace
}  // namespace rg::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace rg;
  using namespace rg::fuzz;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto value = accepted("JS", [&] { return parse(text); });
  if (!value) return 0;
  require(nlohmann::json::accept(text), "what is accepted here is JSON elsewhere");
  OffsetChecker checker(text);
  scan_json(text, kLimits, "input", checker);
  for (const JsonLayout layout : {JsonLayout::compact, JsonLayout::indented}) {
    require(parse(write_json(*value, layout)) == *value, "parse, write, parse gives the same");
  }
  const std::string canonical = canonical_json(*value);
  require(canonical_json(parse(canonical)) == canonical, "the canonical form is a fixed point");
  return 0;
}
