// A Gaussian cloud with a mean, in the gauge that turns the mean along the ones (entries DC-4, DC-5).
import { normal, seeded } from './random';
import { aggregates, centered, type Key } from './one_bit';

export interface CloudFindings {
  rawPool: number;
  centeredPool: number;
  rawError: number; // squared error per coordinate, with the best common scale
  centeredError: number;
  plusShare: number; // of the raw sign bits
  keys: Key[];
}

// count keys with coordinates r + N(0, 1).
export function sampleCloud(r: number, d: number, count: number, seed: number): CloudFindings {
  const draw = normal(seeded(seed));
  const keys = Array.from({ length: count }, () => Array.from({ length: d }, () => r + draw()));
  const middle = centered(keys);
  const [raw, rest] = [aggregates(keys).betaPool, aggregates(middle).betaPool];
  const energy = (all: readonly Key[]) =>
    all.flat().reduce((sum, x) => sum + x * x, 0) / (count * d);
  return {
    rawPool: raw,
    centeredPool: rest,
    rawError: energy(keys) * (1 - raw),
    centeredError: energy(middle) * (1 - rest),
    plusShare: keys.flat().filter((x) => x >= 0).length / (count * d),
    keys,
  };
}
