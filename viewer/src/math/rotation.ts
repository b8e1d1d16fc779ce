// Orthogonal matrices of two and three dimensions, as ml-matrix matrices, and the ITQ round (entry GS-1).
import { Matrix, SingularValueDecomposition } from 'ml-matrix';
import { norm1, sign, squared, type Key } from './one_bit';

export function identity(d: number): Matrix {
  return Matrix.eye(d);
}

// Turns the coordinates i and j of R^d by an angle in radians.
export function planeTurn(d: number, i: number, j: number, angle: number): Matrix {
  const turn = Matrix.eye(d);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  turn.set(i, i, c);
  turn.set(i, j, -s);
  turn.set(j, i, s);
  turn.set(j, j, c);
  return turn;
}

export function apply(turn: Matrix, key: Key): number[] {
  return turn.to2DArray().map((row) => row.reduce((sum, x, j) => sum + x * key[j]!, 0));
}

// The nearest orthogonal matrix, which products of many turns would otherwise leave.
export function orthogonal(matrix: Matrix): Matrix {
  const svd = new SingularValueDecomposition(matrix);
  return svd.leftSingularVectors.mmul(svd.rightSingularVectors.transpose());
}

// sum_n |R k_n|_1 / |k_n|_2, which is N sqrt(d) times the mean cosine.
export function objective(turn: Matrix, keys: readonly Key[]): number {
  return keys.reduce((sum, key) => sum + norm1(apply(turn, key)) / Math.sqrt(squared(key)), 0);
}

const kSmall = 1e-6;

// One ITQ round with weights 1/|k_n|: signs of the turned keys, then the orthogonal matrix that fits them
// best. Where the keys leave it free (fewer keys than dimensions), the one nearest to the old.
export function itqRound(turn: Matrix, keys: readonly Key[]): Matrix {
  const d = turn.rows;
  const fit = Matrix.zeros(d, d);
  for (const key of keys) {
    const length = Math.sqrt(squared(key));
    const signs = apply(turn, key).map(sign);
    for (let i = 0; i < d; ++i) {
      for (let j = 0; j < d; ++j) fit.set(i, j, fit.get(i, j) + (signs[i]! * key[j]!) / length);
    }
  }
  const [largest = 0, ...rest] = new SingularValueDecomposition(fit).diagonal;
  const free = (rest[rest.length - 1] ?? largest) < kSmall * largest;
  return orthogonal(free ? fit.add(turn.clone().mul(kSmall * largest)) : fit);
}
