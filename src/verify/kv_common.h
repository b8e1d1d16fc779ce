// What artifacts on keys have alike (docs/artifacts.md, kv_gauge): halves of documents, layers
// without keys, what attention is, and readers of their lists.
// Errors: defects in the inspector; nothing is thrown.
#pragma once

#include <fmt/format.h>

#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "verify/tests.h"

namespace rg::verify::kv {

inline constexpr size_t kMostUnits = 128;
inline constexpr int64_t kMostColumns = 1 << 20;  // of a head, of heads, of positions

// Even documents are fitted on, odd ones dealt to units in their order.
struct Units {
  size_t count = 0;
  std::vector<int64_t> of_window;  // (windows); -1: fitted on
  int64_t fitted_documents = 0;
};
// `units`, against the header's documents.
Units read_units(const Case& c);

// Of every window the unit of its document, or a number below 0; `expected`: what documents give.
void check_of_window(const Case& c, const At& list, const std::vector<int64_t>& expected,
                     const std::pair<int64_t, int64_t>& range);

// The layers that could be measured: all but those of the member `without`, which says why not.
// Checks `required_layers`.
std::vector<int> read_measured_layers(const Case& c, const char* without);
// Whether the verdict asks for a layer.
bool is_required(const Case& c, int layer);
// An object with a member for every layer that has keys, and for no other.
bool has_layers(const Case& c, const At& at, const std::vector<int>& keyed);

// A row of `attention`, what of it all artifacts on keys state. Widths in columns.
struct Attention {
  int64_t heads = 0, kv_heads = 0, width = 0, rotated_columns = 0;
  int64_t window = 0;  // keys that a query sees; 0: all
};
Attention read_attention(const Case& c, const At& at);

// An array of numbers, none of them null.
Windows numbers(Inspector& inspect, const At& at, size_t length, Range range);
// The same of counts.
Windows counted_keys(Inspector& inspect, const At& at, size_t length);
double count_at(Inspector& inspect, const At& parent, const char* key);
double number_at(Inspector& inspect, const At& parent, const char* key, Range range);
// "heads.3[0]", and below it.
At element(const At& list, size_t index);
bool is_null(const At& at);
// Null exactly where it must be: whether there is something to read. `why`: what says so.
bool there(const Case& c, const At& at, bool expected, const char* why);

// Too few of something for a verdict: false, and said.
bool lacks(Judgement& judgement, const char* path, const std::string& found,
           const std::string& sentence, const std::string& needed);

// The index of a text among those allowed; value_range where it is another one.
template <typename Names>
size_t one_of(Inspector& inspect, const At& at, const Names& names) {
  const std::string found = inspect.text(at);
  for (size_t i = 0; i < std::size(names); ++i) {
    if (found == names[i]) return i;
  }
  if (at && at.value->is(Kind::string)) {
    inspect.invalid(Check::value_range, at.path,
                    fmt::format("found {}, a word of no meaning here", found));
  }
  return 0;
}

}  // namespace rg::verify::kv
