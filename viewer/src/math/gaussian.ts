// Exact values for Gaussian keys and uniformly random directions (entries MR-5, DC-4, DC-5).

export const kGaussianBeta = 2 / Math.PI;
export const kGaussianFloor = Math.sqrt(kGaussianBeta); // cosine, d to infinity

// E c(u), u uniform on the sphere of R^d: sqrt(d) G(d/2) / (sqrt(pi) G((d+1)/2)), by
// G(d/2 + 1) / G((d+1)/2 + 1) = d/(d+1) G(d/2) / G((d+1)/2).
export function sphereMeanCosine(d: number): number {
  let ratio = d % 2 === 1 ? Math.sqrt(Math.PI) : 2 / Math.sqrt(Math.PI); // d = 1, d = 2
  for (let n = d % 2 === 1 ? 1 : 2; n < d; n += 2) ratio *= n / (n + 1);
  return (Math.sqrt(d) * ratio) / Math.sqrt(Math.PI);
}

// E c(u)^2.
export function sphereMeanBeta(d: number): number {
  return kGaussianBeta + (1 - kGaussianBeta) / d;
}

// erf(x) = 2/sqrt(pi) exp(-x^2) sum_n 2^n x^(2n+1) / (1 3 5 ... (2n+1)): all terms positive, no cancellation.
export function erf(x: number): number {
  if (x < 0) return -erf(-x);
  if (x > 6) return 1;
  let term = x;
  let sum = 0;
  for (let n = 0; term > sum * 1e-17; ++n) {
    sum += term;
    term *= (2 * x * x) / (2 * n + 3);
  }
  return ((2 * sum) / Math.sqrt(Math.PI)) * Math.exp(-x * x);
}

// g(r) = E |r + Z|.
export function foldedMean(r: number): number {
  return kGaussianFloor * Math.exp((-r * r) / 2) + r * erf(r / Math.SQRT2);
}

// Pooled ratio of N(mu, I) turned so that mu = r (1, ..., 1).
export function rawPooled(r: number): number {
  return foldedMean(r) ** 2 / (1 + r * r);
}

// Squared error per coordinate of unit variance, with the best common scale: raw, and after centering.
export function rawError(r: number): number {
  return 1 + r * r - foldedMean(r) ** 2;
}
export const kCenteredError = 1 - kGaussianBeta;
