// The sign lattice as drawings see it, and the camera of the three-dimensional one.
import type { Matrix } from 'ml-matrix';
import { apply, planeTurn } from '../../math/rotation';

export type Point = readonly [number, number, number]; // right, up, towards the reader

// The directions of the 2^d sign vectors.
export function signDirections(d: number): number[][] {
  return Array.from({ length: 2 ** d }, (_, n) =>
    Array.from({ length: d }, (_, j) => ((n >> j) & 1 ? -1 : 1) / Math.sqrt(d)),
  );
}

// Which of them a key's signs are.
export function signIndex(key: readonly number[]): number {
  return key.reduce((index, x, j) => index + (x < 0 ? 1 << j : 0), 0);
}

// Pairs of sign directions that differ in one coordinate: the edges of the cube.
export function cubeEdges(): [number, number][] {
  const edges: [number, number][] = [];
  for (let n = 0; n < 8; ++n)
    for (let j = 0; j < 3; ++j) if (!((n >> j) & 1)) edges.push([n, n | (1 << j)]);
  return edges;
}

const kCamera: Matrix = planeTurn(3, 1, 2, 0.42).mmul(planeTurn(3, 2, 0, -0.55));

export function camera(): Matrix {
  return kCamera;
}

// Two dimensions lie in the page; three are seen by the camera, without perspective.
export function projected(vector: readonly number[]): Point {
  if (vector.length === 2) return [vector[0]!, vector[1]!, 0];
  const [x = 0, y = 0, z = 0] = apply(kCamera, vector);
  return [x, y, z];
}
