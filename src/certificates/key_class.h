// The residuals with exactly the keys and exactly the length of a given one x0: x0 with its part in
// the kernel of K turned, at the same length (KR-10 (b)). Where in it a pair of experts ties.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "certificates/question.h"

namespace rg::certificates {

// P x0 turned by `rotation` radians in its plane with P g, g = G_inside - G_outside.
struct Turn {
  uint32_t inside, outside;
  double rotation;
};

class KeyClass {
 public:
  // keys (m, D) with about the inverse of keys keys', both kept by the caller; router (E, D): what
  // gives the logits of every residual of this length; set: the k experts of x0, ascending.
  KeyClass(const Matrix& keys, const Matrix& inverse, const Matrix& router, Column x0,
           std::vector<uint32_t> set);

  // Of pairs that can be turned beyond their tie by `push` |P g| |P x0| (units of logits), the one
  // with the least rotation. None: the keys decide the set.
  std::optional<Turn> smallest_turn(double push) const;
  // The residual so turned, to rounding. None if P x0 points along P g, which leaves the plane
  // open.
  std::optional<Column> turned(const Turn& turn) const;
  // x minus its part in the row space of K.
  Column hidden(const Column& x) const;

  // Of pairs (inside, outside): those that no member of the class ties (KR-10 (d)).
  double determined_share() const;
  double rotation(const Column& x) const;           // between P x0 and P x
  double relative_radius() const;                   // RG-6 over |x0|
  double visibility(uint32_t i, uint32_t j) const;  // |g| / |P g|

 private:
  struct Pair {
    double reach;   // |P g| |P x0|
    double seen;    // g' (I - P) x0
    double hidden;  // g' P x0
  };
  Pair pair(uint32_t inside, uint32_t outside) const;
  template <typename F>
  void for_each_pair(const F& f) const;  // f(inside, outside)

  const Matrix &keys_, &inverse_;
  Column x0_, hidden_;             // (D): x0, P x0
  Column logits_, hidden_logits_;  // (E): G x0, G P x0
  Matrix hidden_router_;           // (E, D): G P
  Matrix hidden_gram_, gram_;      // (E, E): G P G', G G'
  double hidden_length_;           // |P x0|
  std::vector<uint32_t> set_;
};

}  // namespace rg::certificates
