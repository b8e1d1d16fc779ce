// The members of one JSON object of a file that others may have written, read strictly. Every
// refusal names file and place: AR018 for a member that is missing, AR015 for one of another kind,
// AR017 for a value out of range, AR016 for one that nobody asked for.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"

namespace rg::certificates {

// A value as messages show it.
std::string shown(const Json& value);

class Members {
 public:
  // `where`: the object's place in the file, empty for its root. Keeps `object`.
  Members(const Json& object, std::string file, std::string where);

  const Json& need(const char* name);
  // least <= value <= most
  int64_t integer(const char* name, int64_t least, int64_t most);
  double number(const char* name);
  std::string text(const char* name);
  std::vector<double> numbers(const char* name);
  std::vector<float> floats(const char* name);  // fp32 exactly
  // Each at least `least` and at most `most`.
  std::vector<int64_t> integers(const char* name, int64_t least, int64_t most);
  std::vector<uint32_t> counts(const char* name, uint32_t below);  // ascending, distinct
  std::vector<std::string> texts(const char* name);
  Members object(const char* name);
  // After the last member was read.
  void finish() const;

  Error refusal(ErrorId id, const std::string& name, const std::string& found,
                const std::string& expected) const;
  const std::string& file() const { return file_; }

 private:
  std::string path(const std::string& name) const;
  const Json& array(const char* name);

  const Json* object_;
  std::string file_, where_;
  std::set<std::string, std::less<>> read_;
};

}  // namespace rg::certificates
