#include "verify/domains.h"

#include <algorithm>

namespace rg::verify {
namespace {

Header header_of(const Header& all, const DomainWindows& windows) {
  Header header = all;
  header.n_windows = windows.n_windows;
  header.seq_len = windows.seq_len;
  header.documents = windows.documents;
  header.n_documents = windows.n_documents;
  return header;
}

}  // namespace

DomainAnalyses::Domain::Domain(const Case& all, const DomainWindows& windows)
    : header(header_of(all.header, windows)), one{all.inspect, header, all.root}, analysis(one) {}

DomainAnalyses::DomainAnalyses(const Case& c) : case_(c) {
  for (const DomainWindows& windows : c.header.family.domains) {
    domains_.push_back(std::make_unique<Domain>(c, windows));
  }
}

void DomainAnalyses::resample() {
  ResampleWork work{0, 0, *case_.header.replicates};
  for (const auto& domain : domains_) {
    work.windows += domain->header.n_windows;
    work.columns += domain->analysis.columns();
  }
  check_resample_budget(work, case_.inspect.options().max_replicates,
                        case_.inspect.judgement().path);
  for (const auto& domain : domains_) domain->analysis.resample();
}

DomainAnalyses::Samples DomainAnalyses::primary() const {
  Samples samples;
  for (const auto& domain : domains_) samples.push_back(domain->analysis.primary());
  return samples;
}

DomainAnalyses::Samples DomainAnalyses::own() const {
  Samples samples;
  for (const auto& domain : domains_) samples.push_back(domain->analysis.own());
  return samples;
}

Verdict DomainAnalyses::conclude(const std::function<Verdict(const Samples&)>& judge,
                                 const std::function<bool(const Samples&, size_t)>& supports,
                                 std::optional<Verdict> stated) {
  if (!enough_for_a_verdict(case_)) return Verdict::insufficient;
  const Verdict verdict = judge(primary());
  if (verdict == Verdict::degenerate) return verdict;
  const Samples ours = own();
  const Verdict again = case_.header.full ? judge(ours) : stated.value_or(verdict);
  const uint32_t replicates = ours.front().count();
  uint32_t supporting = 0;
  for (size_t b = 0; b < replicates; ++b) supporting += supports(ours, b) ? 1u : 0u;
  case_.inspect.judgement().stability = stability_of(case_.inspect.options(), verdict, again,
                                                     supporting / static_cast<double>(replicates));
  return verdict;
}

void DomainAnalyses::convergence(Claims& claims, std::optional<double> z, const Label& label) {
  claim_convergence(case_, claims, z,
                    {label(primary(), {}), [&](std::span<const uint32_t> members) {
                       std::vector<Replicates> replicates;
                       for (const auto& domain : domains_) {
                         replicates.push_back(domain->analysis.subset_replicates(members));
                       }
                       Samples samples;
                       for (const Replicates& drawn : replicates) samples.emplace_back(drawn, true);
                       return label(samples, members);
                     }});
}

}  // namespace rg::verify
