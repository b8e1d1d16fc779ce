// The nulls that every test is judged under, and how often it may then claim an effect.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "levels/found.h"
#include "levels/simulated.h"

namespace rg::levels {

// What the rate of a claim under a null is held to.
enum class Bound {
  at_most,   // the nominal level, and no more
  equal_to,  // it happens in this share of the runs, such as in all of them
  none,      // printed beside: no level is promised
};

// A claim that an artifact may make though its null is true.
struct FalseClaim {
  std::string name;
  double nominal;
  Bound bound;
  std::function<bool(const Found&)> made;
};

struct Null {
  std::string test;  // "V1 boundary_amplification"
  std::string null;  // what is simulated, in words
  std::function<Draw(const Size&)> draw;
  std::vector<FalseClaim> claims;
};

// In the order of docs/statistics.md.
std::vector<Null> all_nulls();

// How many of `runs` artifacts, numbered from `first`, make each claim of the null.
std::vector<size_t> count_claims(const Draw& draw, const std::vector<FalseClaim>& claims,
                                 uint64_t first, size_t runs, int threads);

// The largest count that chance explains at this level: 3 standard deviations above; and the least.
double most_expected(double level, size_t runs);
double least_expected(double level, size_t runs);

}  // namespace rg::levels
