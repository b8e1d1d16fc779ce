import { describe, expect, it } from 'vitest';
import { Matrix } from 'ml-matrix';
import { atAngle, bestInPlane, kThreePoints } from '../../src/math/centering';
import { sampleCloud } from '../../src/math/cloud';
import {
  erf,
  foldedMean,
  kCenteredError,
  kGaussianBeta,
  rawError,
  rawPooled,
  sphereMeanBeta,
  sphereMeanCosine,
} from '../../src/math/gaussian';
import { exactAt, kLawOf, kLaws, sampleKeys } from '../../src/math/laws';
import { aggregates, centered, cosine, mean, sign, standardError } from '../../src/math/one_bit';
import { normal, seeded } from '../../src/math/random';
import {
  apply,
  identity,
  itqRound,
  objective,
  orthogonal,
  planeTurn,
} from '../../src/math/rotation';

const kFour = 4; // standard errors

describe('the 1-bit cosine', () => {
  it('is 1 on the sign lattice and 1/sqrt(d) on an axis', () => {
    expect(cosine([2, -2, 2, 2])).toBe(1);
    expect(cosine([0, 0, -3, 0])).toBeCloseTo(0.5, 15);
    expect(cosine([3, 4])).toBeCloseTo(7 / (Math.SQRT2 * 5), 15);
  });

  it('gives zero the sign +', () => {
    expect([sign(0), sign(-0), sign(-1e-300), sign(2)]).toEqual([1, 1, -1, 1]);
  });

  it('has different averages, computed here by hand', () => {
    const { meanCosine, betaE, betaPool } = aggregates([
      [1, 1],
      [3, 0],
    ]);
    expect(meanCosine).toBeCloseTo((1 + Math.SQRT1_2) / 2, 14);
    expect(betaE).toBeCloseTo((4 + 9) / (2 * 11), 14);
    expect(betaPool).toBeCloseTo(25 / (2 * 2 * 11), 14);
  });

  it('knows the error of a mean', () => {
    expect(mean([1, 2, 3, 6])).toBe(3);
    expect(standardError([1, 2, 3, 6])).toBeCloseTo(Math.sqrt(14 / 3 / 4), 14);
  });
});

describe('Gaussian values', () => {
  it('agree with the exact means on the sphere (MR-5)', () => {
    for (const [d, c, beta] of [
      [64, 0.80101, 0.6423],
      [128, 0.79944, 0.63946],
      [256, 0.79866, 0.63804],
    ] as const) {
      expect(sphereMeanCosine(d)).toBeCloseTo(c, 5);
      expect(sphereMeanBeta(d)).toBeCloseTo(beta, 5);
    }
    expect(sphereMeanCosine(1)).toBeCloseTo(1, 14);
    expect(sphereMeanBeta(1)).toBeCloseTo(1, 14);
    expect(sphereMeanCosine(2)).toBeCloseTo((2 * Math.SQRT2) / Math.PI, 14); // mean of (|cos| + |sin|)/sqrt 2
    expect(sphereMeanCosine(3)).toBeCloseTo(Math.sqrt(3) / 2, 14);
  });

  it('have an error function', () => {
    expect(erf(0)).toBe(0);
    expect(erf(0.5)).toBeCloseTo(0.5204998778130465, 14);
    expect(erf(-1)).toBeCloseTo(-0.8427007929497149, 14);
    expect(erf(3)).toBeCloseTo(0.9999779095030014, 14);
    expect(erf(7)).toBe(1);
  });

  it('agree with the pooled ratios of clouds with a mean (DC-4)', () => {
    for (const [r, value] of [
      [0.5, 0.6417],
      [1, 0.6805],
      [2, 0.8136],
      [4, 0.9412],
    ] as const) {
      expect(rawPooled(r)).toBeCloseTo(value, 4);
    }
    expect(rawPooled(0)).toBeCloseTo(kGaussianBeta, 15);
    expect(foldedMean(10)).toBeCloseTo(10, 12);
  });

  it('err less after centering (DC-5)', () => {
    expect(rawError(0)).toBeCloseTo(kCenteredError, 14);
    for (const r of [0.1, 0.5, 1, 2, 3]) expect(rawError(r)).toBeGreaterThan(kCenteredError);
  });
});

describe('draws', () => {
  it('repeat with their seed', () => {
    const [a, b, c] = [normal(seeded(5)), normal(seeded(5)), normal(seeded(6))];
    const first = Array.from({ length: 5 }, a);
    expect(Array.from({ length: 5 }, b)).toEqual(first);
    expect(Array.from({ length: 5 }, c)).not.toEqual(first);
  });

  it.each(kLaws)('of the law %s have its moment ratio (MR-3)', (law) => {
    const draw = kLawOf[law].draw(seeded(11), 0.3);
    const sizes = Array.from({ length: 200_000 }, () => Math.abs(draw()));
    const [m1, m2] = [mean(sizes), mean(sizes.map((x) => x * x))];
    // delta method for m1^2 / m2
    const influence = sizes.map((x) => (2 * m1 * x) / m2 - (m1 * m1 * x * x) / (m2 * m2));
    expect(Math.abs(m1 ** 2 / m2 - kLawOf[law].beta(0.3))).toBeLessThanOrEqual(
      kFour * standardError(influence) + 1e-12,
    );
  });

  it('of Gaussian keys have the exact mean cosine of their dimension, not the limit', () => {
    for (const d of [2, 16]) {
      const { cosine: c, beta } = sampleKeys('gaussian', 1, d, 4000, 3);
      const exact = exactAt('gaussian', d)!;
      expect(Math.abs(c.mean - exact.cosine)).toBeLessThan(kFour * c.error);
      expect(Math.abs(beta.mean - exact.beta)).toBeLessThan(kFour * beta.error);
      expect(c.mean - Math.sqrt(kGaussianBeta)).toBeGreaterThan(kFour * c.error);
    }
    expect(exactAt('laplace', 8)).toBeNull();
  });

  it('of random signs have cosine 1, and keys of zeros only are drawn again', () => {
    expect(sampleKeys('sign', 1, 9, 50, 1).cosines.every((c) => Math.abs(c - 1) < 1e-14)).toBe(
      true,
    );
    expect(sampleKeys('masked', 0.05, 2, 200, 1).cosines.every(Number.isFinite)).toBe(true);
  });
});

describe('the ITQ round (GS-1)', () => {
  const cloud = (d: number, count: number, seed: number) => {
    const draw = normal(seeded(seed));
    return Array.from({ length: count }, () => Array.from({ length: d }, draw));
  };
  const far = (a: Matrix, b: Matrix) => Matrix.sub(a, b).norm('frobenius');

  it('never lowers the objective, ends, and stays orthogonal', () => {
    for (const d of [2, 3]) {
      for (let seed = 1; seed <= 8; ++seed) {
        const keys = cloud(d, 3 + seed, seed);
        let turn = planeTurn(d, 0, 1, 0.1 * seed);
        let rises = 0;
        for (let round = 0; round < 100; ++round) {
          const next = itqRound(turn, keys);
          const gain = objective(next, keys) - objective(turn, keys);
          expect(gain).toBeGreaterThan(-1e-12 * objective(turn, keys));
          expect(far(next.transpose().mmul(next), identity(d))).toBeLessThan(1e-12);
          if (gain > 1e-9) ++rises;
          turn = next;
        }
        expect(far(itqRound(turn, keys), turn)).toBeLessThan(1e-9);
        expect(rises).toBeLessThan(20);
      }
    }
  });

  it('puts a single key on the sign lattice at once, by the shortest way', () => {
    for (const key of [
      [1, 0.2],
      [0.3, -0.9],
    ]) {
      const next = itqRound(identity(2), [key]);
      expect(cosine(apply(next, key))).toBeCloseTo(1, 9);
      const angle = Math.acos(cosine(key));
      expect(far(next, identity(2))).toBeCloseTo(2 * Math.SQRT2 * Math.sin(angle / 2), 4);
    }
    const key = [0.1, -0.2, 3];
    expect(cosine(apply(itqRound(identity(3), [key]), key))).toBeCloseTo(1, 9);
  });

  it('keeps turns orthogonal', () => {
    const bent = planeTurn(3, 0, 2, 0.7).add(Matrix.ones(3, 3).mul(1e-7));
    const straight = orthogonal(bent);
    expect(far(straight.transpose().mmul(straight), identity(3))).toBeLessThan(1e-13);
    expect(far(straight, bent)).toBeLessThan(1e-6);
    expect(apply(planeTurn(2, 0, 1, Math.PI / 2), [1, 0]).map((x) => Math.round(x))).toEqual([
      0, 1,
    ]);
  });
});

describe('centering three points (DC-3)', () => {
  const after = centered(kThreePoints);

  it('leaves the points of the catalogue', () => {
    expect(after.flat().map((x) => 3 * x)).toEqual(
      [2, 2, 2, -4, -4, 2].map((x) => expect.closeTo(x, 12)),
    );
  });

  it('lowers the best value, whatever is measured', () => {
    for (const [which, value] of [
      ['meanCosine', (1 + 6 / Math.sqrt(10)) / 3],
      ['betaE', 11 / 12],
      ['betaPool', 8 / 9],
    ] as const) {
      expect(bestInPlane(kThreePoints, which).value).toBeCloseTo(1, 12);
      const best = bestInPlane(after, which);
      expect(best.value).toBeCloseTo(value, 9);
      expect(atAngle(after, best.angle, which)).toBeCloseTo(value, 9);
    }
  });

  it('finds the best over all angles, as a fine grid does', () => {
    const draw = normal(seeded(2));
    for (let n = 0; n < 20; ++n) {
      const keys = Array.from({ length: 1 + (n % 5) }, () => [draw(), draw()]);
      for (const which of ['meanCosine', 'betaE', 'betaPool'] as const) {
        const grid = Array.from({ length: 4000 }, (_, i) =>
          atAngle(keys, (i / 4000) * (Math.PI / 2), which),
        );
        const best = bestInPlane(keys, which).value;
        expect(best).toBeGreaterThanOrEqual(Math.max(...grid) - 1e-12);
        expect(best).toBeLessThan(Math.max(...grid) + 1e-3);
      }
    }
  });
});

describe('a Gaussian cloud', () => {
  it('has the ratios and errors of the formulas', () => {
    for (const r of [0, 1, 3]) {
      const cloud = sampleCloud(r, 32, 3000, 4);
      expect(cloud.rawPool).toBeCloseTo(rawPooled(r), 2);
      expect(cloud.centeredPool).toBeCloseTo(kGaussianBeta, 2);
      expect(cloud.rawError).toBeCloseTo(rawError(r), 1);
      expect(cloud.centeredError).toBeCloseTo(kCenteredError, 1);
      expect(cloud.plusShare).toBeCloseTo((1 + erf(r / Math.SQRT2)) / 2, 2);
    }
  });
});
