#include "lab/registration.h"

#include <algorithm>

#include "base/error.h"
#include "base/file.h"
#include "base/json.h"
#include "base/sha256.h"

namespace rg::lab {
namespace {

constexpr uint64_t kMaxRegistrationBytes = uint64_t{16} << 20;

class RegistrationReader {
 public:
  RegistrationReader(std::filesystem::path file, const Json& root)
      : file_(std::move(file)), root_(root) {}

  const Json& need(const char* pointer, bool (*right)(const Json&), const char* expected) const {
    const Json::json_pointer at(pointer);
    const bool there = root_.contains(at);
    if (there && right(root_.at(at))) return root_.at(at);
    throw Error(ErrorId::FA001, {.file = file_.string(),
                                 .object = pointer,
                                 .found = there ? "another value" : "nothing",
                                 .expected = expected,
                                 .hint = "recipes/finetune_frozen.py writes such a file."});
  }
  std::vector<int> layers(const char* pointer) const {
    const auto ascending = [](const Json& value) {
      if (!value.is_array()) return false;
      for (size_t i = 0; i < value.size(); ++i) {
        if (!value[i].is_number_unsigned() || value[i] > 100'000) return false;
        if (i > 0 && value[i] <= value[i - 1]) return false;
      }
      return true;
    };
    return need(pointer, ascending, "ascending layer numbers").get<std::vector<int>>();
  }
  double threshold(const char* pointer) const {
    const auto positive = [](const Json& value) { return value.is_number() && value > 0; };
    return need(pointer, positive, "a positive number").get<double>();
  }

 private:
  std::filesystem::path file_;
  const Json& root_;
};

}  // namespace

Registration read_registration(const std::filesystem::path& file) {
  const std::string text = read_whole_file(file, kMaxRegistrationBytes);
  const Json root = parse_json(text, JsonLimits{}, file.string());
  const RegistrationReader reader(file, root);
  const auto is_text = [](const Json& value) { return value.is_string(); };
  return {.sha256 = sha256_hex(text),
          .registered_utc = reader.need("/registered_utc", is_text, "a time").get<std::string>(),
          .frozen = reader.layers("/frozen_set"),
          .comparison_frozen = reader.layers("/comparison/frozen_set"),
          .d_max = reader.threshold("/thresholds/D_max"),
          .l_max = reader.threshold("/thresholds/L_max")};
}

}  // namespace rg::lab
