// What no real measurement of keys shows: parts (units, windows) that repeat each other, heads with
// equal sums, sums that are the same in every part. Warnings.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "verify/inspector.h"

namespace rg::verify::kv {

// The measured arrays of an artifact with their paths; those of one owner may be equal by right.
class Copies {
 public:
  struct Words {
    const char *part, *owners;  // "unit", "heads"
  };
  // `parts`: length of the arrays.
  Copies(Inspector& inspect, size_t parts, Words words)
      : inspect_(inspect), words_(words), of_part_(parts) {}

  // `owner` and `member` are the array's path.
  void visit(const std::string& owner, const std::string& member, const Windows& values);
  void report_parts();

 private:
  struct Seen {
    std::string owner, path;
  };
  Inspector& inspect_;
  Words words_;
  std::vector<std::vector<double>> of_part_;  // all of a part's sums, in the order visited
  std::map<Windows, Seen> arrays_;
};

}  // namespace rg::verify::kv
