// Certificates: pairs of residuals with equal keys and different routes, with all that a program
// needs to prove it from the stored matrices alone. Sets are ascending ids of experts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "certificates/question.h"

namespace rg::certificates {

// For a router after attention, certificates are about position 0 and about residuals of one
// length: 2^scale z (level A) or z itself (level B), and their negatives. Else any length will do.
struct AtFirstPosition {
  int scale;
};

// Level A. z (D) holds integers on some columns and zeros elsewhere, K z = 0 exactly, so that the
// keys of z and -z are equal; G z is not constant, so that their sets differ (KR-2). Sets follow
// the order of exact logits, equal ones by lower index, as the gate ranks; with ties at the
// boundary the two sets still differ, under any rule for ties.
struct ExactCertificate {
  Shape shape;
  std::optional<AtFirstPosition> first_position;
  std::vector<uint32_t> columns;            // ascending
  std::vector<std::string> values;          // z at the columns: hexadecimal integers, "-1f"
  std::vector<uint32_t> set, opposite_set;  // of G z, of -G z
  double set_gap, opposite_gap;  // of logits at the boundary, as a share of their whole range
};

// What levels B and B' share: that K has independent rows. K' = 2^-exponents K by rows, X
// symmetric, |I - K' K'' X|_inf <= q < 1/2, so that 1 / (1 - q) |X|_inf bounds the spectral norm of
// the inverse of K' K'' (K'' the transpose of K').
struct IndependentRows {
  std::vector<int> exponents;   // (m): |K'| rows are below 1
  std::vector<double> inverse;  // X, lower triangle by rows: m (m + 1) / 2
  double defect;                // q
};

// Level B. Within `distance` of z (Euclidean) lies a vector whose keys are exactly zero, and whose
// logits have the named sets at both signs by at least the slacks (units of G z).
struct EnclosedCertificate {
  Shape shape;
  std::optional<AtFirstPosition> first_position;  // scale 0
  IndependentRows rows;
  std::vector<double> z;  // (D)
  double distance;
  std::vector<uint32_t> set, opposite_set;
  double slack, opposite_slack;
};

// Level B'. Within `distance` of x lies a vector with exactly the keys and exactly the norm of the
// real residual x0, hence with equal keys for every epsilon, and with another set (KR-10). The
// proof also needs `direction`, close to the kernel of K: a lower bound of the part of x in it.
// What follows the slacks isn't needed for it. At this norm logits are a matrix G' times x: after
// attention G + G W_O W_V / rho(x0), else G. P projects on the kernel of K.
struct ManifoldCertificate {
  Shape shape;
  std::optional<AtFirstPosition> first_position;  // scale 0
  IndependentRows rows;
  std::vector<float> x0;             // (D)
  std::vector<double> x, direction;  // (D)
  double distance;
  std::vector<uint32_t> set, other_set;  // of x0, of x
  double slack, other_slack;
  uint32_t leaves, enters;  // the pair of experts that was turned against
  double rotation;          // radians, between P x0 and P x
  double relative_change;   // |x - x0| / |x0|
  // RG-6: the nearest change of set over |x0|, keys free, by G'.
  double relative_radius;
  double visibility;        // |g| / |P g| of the pair's row g: 1 if the keys see nothing of it
  double determined_share;  // of pairs (inside, outside) that no such residual can swap
};

Json to_json(const ExactCertificate& certificate);
Json to_json(const EnclosedCertificate& certificate);
Json to_json(const ManifoldCertificate& certificate);

// The members that to_json() wrote, but for `certificate` and `version`, from an object that may
// have others. Only their form is checked: AR015, AR017, AR018.
class Members;
ExactCertificate read_exact(Members& members);
EnclosedCertificate read_enclosed(Members& members);
ManifoldCertificate read_manifold(Members& members);

}  // namespace rg::certificates
