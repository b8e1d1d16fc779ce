// The 1-bit cosine of a key and the averages over several keys. A key is an array of d numbers, not all 0.
// c(k) = |k|_1 / (sqrt(d) |k|_2), beta(k) = c(k)^2; sgn(0) = +1.

export type Key = readonly number[];

export function sign(x: number): 1 | -1 {
  return x < 0 ? -1 : 1;
}

export function norm1(key: Key): number {
  return key.reduce((sum, x) => sum + Math.abs(x), 0);
}

export function squared(key: Key): number {
  return key.reduce((sum, x) => sum + x * x, 0);
}

export function cosine(key: Key): number {
  return norm1(key) / Math.sqrt(key.length * squared(key));
}

export interface Aggregates {
  meanCosine: number; // each key counts the same
  betaE: number; // one stored scale per key: sum |k|_1^2 / (d sum |k|_2^2)
  betaPool: number; // one scale for all: (sum |k|_1)^2 / (N d sum |k|_2^2)
}

export function aggregates(keys: readonly Key[]): Aggregates {
  const d = keys[0]!.length;
  const energy = keys.reduce((sum, key) => sum + squared(key), 0);
  const sums = keys.map(norm1);
  return {
    meanCosine: mean(keys.map(cosine)),
    betaE: sums.reduce((sum, one) => sum + one * one, 0) / (d * energy),
    betaPool: sums.reduce((sum, one) => sum + one, 0) ** 2 / (keys.length * d * energy),
  };
}

export function centered(keys: readonly Key[]): Key[] {
  const middle = keys[0]!.map((_, j) => mean(keys.map((key) => key[j]!)));
  return keys.map((key) => key.map((x, j) => x - middle[j]!));
}

export function mean(values: readonly number[]): number {
  return values.reduce((sum, x) => sum + x, 0) / values.length;
}

// Of the mean, for independent values.
export function standardError(values: readonly number[]): number {
  const middle = mean(values);
  const spread = values.reduce((sum, x) => sum + (x - middle) ** 2, 0) / (values.length - 1);
  return Math.sqrt(spread / values.length);
}
