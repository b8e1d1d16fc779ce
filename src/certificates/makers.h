// The makers of certificates, and checks of what they made. Each takes the matrices as stored; all
// run on the calling thread and give the same bits everywhere but for fp64 products, whose order of
// sums is that of the build. Levels A and B seek pairs for what the router reads of x itself; after
// attention, those that only W_O W_V tells apart aren't found.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "certificates/certificate.h"

namespace rg::certificates {

// Level A: columns by pivoted QR, one more whose kernel vector parts the experts best, and the
// exact vector on them. Where fp64 sees no difference, columns modulo a prime. 512 keys of bf16
// weights and gains take seconds; time grows as m^3, the certificate as m^2.
Made<ExactCertificate> make_exact(const Question& question);

// Level B: the kernel's best direction among those of single experts, in fp64 with rigorous bounds.
// They need K, its rows scaled to one size, to have a condition number below about 10^5.
Made<EnclosedCertificate> make_enclosed(const Question& question);

// Level B' for real residuals x0 (D), as the keys read them, before their norm. After attention
// too: residuals of one length have one rho, which makes h(x) = x + W_O W_V x / rho linear. What
// doesn't depend on x0 is computed once.
class ManifoldMaker {
 public:
  // What the question points to outlives this.
  explicit ManifoldMaker(const Question& question);
  ~ManifoldMaker();
  ManifoldMaker(ManifoldMaker&&) noexcept;

  Made<ManifoldCertificate> make(std::span<const float> x0) const;
  // x of make(), to rounding, if it is turned beyond the tie by `push` |P g| |P x0|, which it
  // chooses itself; for ascending pushes, up to the first one at which no pair can be turned so
  // far. None where the set of x0 is tied.
  std::vector<std::vector<double>> turned(std::span<const float> x0,
                                          std::span<const double> pushes) const;

 private:
  struct Prepared;
  std::unique_ptr<const Prepared> prepared_;  // null: the rows of K aren't shown to be independent
};
Made<ManifoldCertificate> make_on_manifold(const Question& question, std::span<const float> x0);

// What is wrong with a certificate; empty if it holds. Recomputed from the stored matrices.
std::string fault_of(const Question& question, const ExactCertificate& certificate);
std::string fault_of(const Question& question, const EnclosedCertificate& certificate);
std::string fault_of(const Question& question, const ManifoldCertificate& certificate);

}  // namespace rg::certificates
