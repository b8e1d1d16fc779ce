// Statistics over several domains. Each has its own windows and therefore its own bootstrap table:
// the artifact's B and seed with that domain's number of windows.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "verify/analysis.h"

namespace rg::verify {

class DomainAnalyses {
 public:
  // One bootstrap of every domain, in the order of Family::domains.
  using Samples = std::vector<Sample>;

  explicit DomainAnalyses(const Case& c);

  Analysis& operator[](size_t domain) { return domains_[domain]->analysis; }
  void resample();  // after the last add; AR004 if all domains together are too much work
  Samples primary() const;

  // As Analysis::conclude. Replicate b is the b-th of every domain.
  Verdict conclude(const std::function<Verdict(const Samples&)>& judge,
                   const std::function<bool(const Samples&, size_t)>& supports,
                   std::optional<Verdict> stated);
  // Names the verdict of some windows (ascending), the same ones of every domain; `members` empty:
  // of all windows.
  using Label = std::function<std::string(const Samples&, std::span<const uint32_t> members)>;
  // As Analysis::convergence, over the windows of the smallest domain.
  void convergence(Claims& claims, std::optional<double> z, const Label& label);

 private:
  struct Domain {
    Domain(const Case& all, const DomainWindows& windows);
    Header header;  // as an artifact of this domain alone would have it
    Case one;
    Analysis analysis;
  };
  Samples own() const;

  const Case& case_;
  std::vector<std::unique_ptr<Domain>> domains_;
};

}  // namespace rg::verify
