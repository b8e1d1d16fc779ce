// log, exp and the normal distribution from +, -, *, / and sqrt alone, so that results don't
// depend on the version of libm. Errors: log and exp a few units in the last place, normal_cdf
// 5e-15 absolute, normal_quantile 1e-15 relative.
#pragma once

namespace rg::stats {

double pinned_log(double x) noexcept;  // x > 0 and finite
double pinned_exp(double x) noexcept;  // |x| <= 700
double x_log_x(double x) noexcept;     // 0 at 0
double normal_cdf(double x) noexcept;
double normal_quantile(double p) noexcept;  // 0 < p < 1; Wichura 1988, algorithm AS 241

}  // namespace rg::stats
