// One line of a .jsonl file: a text that is UTF-8 without NUL, or CO003 or CO004.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/utf8.h"
#include "property.h"
#include "text/jsonl.h"

namespace {

using namespace rg;
using namespace rg::text;
using rg::fuzz::require;

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size);
  const std::string file = "t.jsonl";
  for (const Utf8Policy policy : {Utf8Policy::refuse, Utf8Policy::replace}) {
    RecordCounts counts;
    try {
      const std::string text = read_record(line, {file, 1, 0}, "text", policy, counts);
      require(!find_invalid_utf8(text) && text.find('\0') == std::string::npos, "a record is text");
      require(policy == Utf8Policy::replace || (counts.replaced == 0 && !find_invalid_utf8(line)),
              "nothing is replaced unasked");
      require(judge_first_line(line, "text") == FirstLine::record || policy == Utf8Policy::replace,
              "a record is known by its first line");
    } catch (const Error& error) {
      require(error.id() == ErrorId::CO003 || error.id() == ErrorId::CO004,
              "a refusal has its number");
    }
  }
  return 0;
}
