// Laws of one coordinate with their moment ratio beta = (E|X|)^2 / E X^2 (entry MR-3), and keys drawn from them.
import { randomExponential, randomIrwinHall, randomUniform } from 'd3-random';
import { kGaussianBeta, sphereMeanBeta, sphereMeanCosine } from './gaussian';
import { cosine, mean, standardError } from './one_bit';
import { normal, seeded, type Source } from './random';

export const kLaws = [
  'gaussian',
  'uniform',
  'triangular',
  'laplace',
  'arcsine',
  'sign',
  'masked',
] as const;
export type LawId = (typeof kLaws)[number];

export interface Law {
  label: string;
  beta: (kept: number) => number; // kept: share of coordinates that are not masked; for "masked" alone
  draw: (source: Source, kept: number) => () => number;
}

export const kLawOf: Record<LawId, Law> = {
  gaussian: { label: 'Gaussian', beta: () => kGaussianBeta, draw: (source) => normal(source) },
  uniform: {
    label: 'uniform',
    beta: () => 3 / 4,
    draw: (source) => randomUniform.source(source)(-1, 1),
  },
  triangular: {
    label: 'triangular',
    beta: () => 2 / 3,
    draw: (source) => {
      const sum = randomIrwinHall.source(source)(2);
      return () => sum() - 1;
    },
  },
  laplace: {
    label: 'Laplace',
    beta: () => 1 / 2,
    draw: (source) => {
      const size = randomExponential.source(source)(1);
      return () => (source() < 0.5 ? -size() : size());
    },
  },
  arcsine: {
    label: 'arcsine',
    beta: () => 8 / Math.PI ** 2,
    draw: (source) => () => Math.cos(2 * Math.PI * source()),
  },
  sign: { label: 'random sign', beta: () => 1, draw: (source) => () => (source() < 0.5 ? -1 : 1) },
  masked: {
    label: 'Gaussian, mostly zero',
    beta: (kept) => kept * kGaussianBeta,
    draw: (source, kept) => {
      const one = normal(source);
      return () => (source() < kept ? one() : 0);
    },
  },
};

// The exact means of c and c^2 at dimension d where there is a formula.
export function exactAt(law: LawId, d: number): { cosine: number; beta: number } | null {
  if (law === 'gaussian') return { cosine: sphereMeanCosine(d), beta: sphereMeanBeta(d) };
  return law === 'sign' ? { cosine: 1, beta: 1 } : null;
}

export interface Sample {
  cosines: number[];
  cosine: { mean: number; error: number }; // error: standard error of the mean
  beta: { mean: number; error: number };
}

// count keys of d independent coordinates; a key of zeros only is drawn again.
export function sampleKeys(
  law: LawId,
  kept: number,
  d: number,
  count: number,
  seed: number,
): Sample {
  const draw = kLawOf[law].draw(seeded(seed), kept);
  const cosines: number[] = [];
  while (cosines.length < count) {
    const key = Array.from({ length: d }, draw);
    if (key.some((x) => x !== 0)) cosines.push(cosine(key));
  }
  const betas = cosines.map((c) => c * c);
  return {
    cosines,
    cosine: { mean: mean(cosines), error: standardError(cosines) },
    beta: { mean: mean(betas), error: standardError(betas) },
  };
}
