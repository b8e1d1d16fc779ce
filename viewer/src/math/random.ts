// Seeded draws: the same seed gives the same numbers in every browser.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { randomNormal } from 'd3-random';

export type Source = () => number; // uniform on [0, 1)

export function seeded(seed: number): Source {
  const generator = xoroshiro128plus(seed);
  return () => uniformFloat64(generator);
}

export function normal(source: Source): () => number {
  return randomNormal.source(source)(0, 1);
}
