// Clouds in the plane: how good a rotation can make them (entry DC-3).
import { aggregates, type Aggregates, type Key } from './one_bit';

export const kThreePoints: readonly Key[] = [
  [1, 1],
  [1, -1],
  [-1, 1],
];

export function turnedInPlane(keys: readonly Key[], angle: number): Key[] {
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return keys.map(([x = 0, y = 0]) => [c * x - s * y, s * x + c * y]);
}

export function atAngle(keys: readonly Key[], angle: number, which: keyof Aggregates): number {
  return aggregates(turnedInPlane(keys, angle))[which];
}

const kQuarter = Math.PI / 2;
const kGrid = 24;
const kGolden = (Math.sqrt(5) - 1) / 2;

// The largest value over all rotations of the plane, and an angle in [0, pi/2) that has it. Turning by a
// right angle changes nothing. Between the angles at which some coordinate of some key is 0 the value is
// smooth; there a grid finds the hill and golden sections its top.
export function bestInPlane(
  keys: readonly Key[],
  which: keyof Aggregates,
): { value: number; angle: number } {
  const wrap = (angle: number) => ((angle % kQuarter) + kQuarter) % kQuarter;
  const breaks = [
    ...new Set([0, kQuarter, ...keys.map(([x = 0, y = 0]) => wrap(-Math.atan2(y, x)))]),
  ].sort((a, b) => a - b);
  const value = (angle: number) => atAngle(keys, angle, which);
  let best = { value: value(0), angle: 0 };
  const keep = (angle: number) => {
    const here = value(angle);
    if (here > best.value + 1e-12) best = { value: here, angle };
  };
  for (let at = 0; at + 1 < breaks.length; ++at) {
    const [from, to] = [breaks[at]!, breaks[at + 1]!];
    const step = (to - from) / kGrid;
    let top = from;
    for (let n = 0; n <= kGrid; ++n) if (value(from + n * step) > value(top)) top = from + n * step;
    let [low, high] = [Math.max(from, top - step), Math.min(to, top + step)];
    while (high - low > 1e-10) {
      const [left, right] = [high - kGolden * (high - low), low + kGolden * (high - low)];
      if (value(left) < value(right)) low = left;
      else high = right;
    }
    keep(from);
    keep(top);
    keep((low + high) / 2);
  }
  return { value: best.value, angle: wrap(best.angle) };
}
