// Walks an artifact, collecting what is wrong with it instead of stopping at the first defect.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "verify/document.h"
#include "verify/resample.h"
#include "verify/verify.h"

namespace rg::verify {

// A place in the tree; `value` is null where nothing is.
struct At {
  const Value* value = nullptr;
  std::string path;
  explicit operator bool() const { return value != nullptr; }
  At operator/(std::string_view key) const;  // the member, or nothing
};

// A closed range. Values are in score or count units of their field.
struct Range {
  double lo, hi;
};
// Cubes of measured numbers must stay finite.
inline constexpr double kUnbounded = 1e100;
inline constexpr Range kAnyNumber{-kUnbounded, kUnbounded};
inline constexpr Range kNotNegative{0, kUnbounded};
inline constexpr Range kUnit{0, 1};

inline constexpr int64_t kMaxExactInteger = int64_t{1} << 53;

using LayerWindows = std::map<int, Windows>;

class Inspector {
 public:
  Inspector(Judgement& judgement, const Options& options)
      : judgement_(judgement), options_(options) {}

  Judgement& judgement() { return judgement_; }
  const Options& options() const { return options_; }
  bool sound() const { return defects_ == 0; }

  void invalid(Check check, const std::string& path, const std::string& text);
  void warn(const std::string& text);
  // A reason found in a bundled artifact, its path already the one in the bundle. Counts as a
  // defect if it is one there.
  void adopt(Reason reason);

  At need(const At& parent, std::string_view key);  // member_present unless there
  bool is(const At& at, Kind kind);                 // value_kind unless so

  std::optional<int64_t> integer(const At& at, int64_t lo, int64_t hi);
  std::optional<double> number(const At& at, Range range);
  std::optional<bool> boolean(const At& at);
  std::string text(const At& at);  // empty if it isn't text
  std::optional<Interval> interval(const At& at);

  // One number of an array, without building its path unless something is wrong.
  bool check_element(const Value& value, size_t index, const std::string& path, Range range);
  // `length` numbers or nulls; nulls need `null_allowed`.
  Windows windows(const At& at, size_t length, Range range);
  // {"3": [...], ...} for exactly these layers.
  LayerWindows layer_windows(const At& at, const std::vector<int>& layers, size_t length,
                             Range range);
  // The same for integers, none of them null.
  LayerWindows layer_counts(const At& at, const std::vector<int>& layers, size_t length,
                            int64_t largest);
  // `length` integers in [0, largest]; empty if anything is wrong.
  std::vector<int64_t> counts(const At& at, size_t length, int64_t largest);
  std::optional<int> layer_key(std::string_view key);

  // Undefined values met on the way, by path of their array.
  const std::vector<std::string>& arrays_with_null() const { return arrays_with_null_; }

 private:
  Judgement& judgement_;
  const Options& options_;
  void record(Reason reason);

  size_t defects_ = 0;
  std::vector<std::string> arrays_with_null_;
};

}  // namespace rg::verify
