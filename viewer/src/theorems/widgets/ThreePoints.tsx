// Three points of the plane, before and after centering, at one angle and at all angles.
import { useMemo, useState } from 'preact/hooks';
import { Choice, Numbers, Slider } from '../../components/Controls';
import { fixed } from '../../components/numbers';
import { Plot, PlotKey } from '../../components/Plot';
import { atAngle, bestInPlane, kThreePoints, turnedInPlane } from '../../math/centering';
import { centered, type Aggregates, type Key } from '../../math/one_bit';
import { Outcome } from './Widget';

const kReadings: Record<keyof Aggregates, string> = {
  meanCosine: 'mean cosine',
  betaE: 'β, one scale per key',
  betaPool: 'β, one scale for all keys',
};
const kCentered = centered(kThreePoints);
const kDegree = Math.PI / 180;

function Points({ title, points }: { title: string; points: readonly Key[] }) {
  return (
    <figure>
      <svg
        class="points"
        viewBox="-2 -2 4 4"
        role="img"
        aria-label={`${title}: ${points.map(([x, y]) => `(${x!.toFixed(2)}, ${y!.toFixed(2)})`).join(', ')}`}
      >
        <line class="axis" x1={-2} x2={2} y1={0} y2={0} />
        <line class="axis" x1={0} x2={0} y1={-2} y2={2} />
        <line class="lattice-line" x1={-2} y1={-2} x2={2} y2={2} />
        <line class="lattice-line" x1={-2} y1={2} x2={2} y2={-2} />
        {points.map(([x = 0, y = 0], n) => (
          <g key={n}>
            <line class="ray" x1={0} y1={0} x2={x} y2={-y} />
            <circle cx={x} cy={-y} r={0.11} />
          </g>
        ))}
      </svg>
      <figcaption>{title}</figcaption>
    </figure>
  );
}

function curve(points: readonly Key[], which: keyof Aggregates): [number, number][] {
  return Array.from({ length: 181 }, (_, n) => [n / 2, atAngle(points, (n / 2) * kDegree, which)]);
}

export function ThreePoints() {
  const [which, setWhich] = useState<keyof Aggregates>('meanCosine');
  const [degrees, setDegrees] = useState(0);
  const { raw, after, curves } = useMemo(
    () => ({
      raw: bestInPlane(kThreePoints, which),
      after: bestInPlane(kCentered, which),
      curves: [
        { label: 'as they are', tone: 'tone-info', points: curve(kThreePoints, which) },
        { label: 'centered', tone: 'tone-bad', points: curve(kCentered, which), dashed: true },
      ],
    }),
    [which],
  );
  const angle = degrees * kDegree;
  const [hereRaw, hereAfter] = [
    atAngle(kThreePoints, angle, which),
    atAngle(kCentered, angle, which),
  ];
  return (
    <div class="widget-parts">
      <div>
        <div class="try-controls">
          <Choice
            label="What is measured"
            value={which}
            onValue={setWhich}
            options={(Object.keys(kReadings) as (keyof Aggregates)[]).map((value) => ({
              value,
              label: kReadings[value],
            }))}
          />
          <Slider
            label="Rotation"
            value={degrees}
            min={0}
            max={90}
            step={0.5}
            shown={`${degrees}°`}
            onValue={setDegrees}
          />
          <div class="buttons">
            <button type="button" onClick={() => setDegrees(raw.angle / kDegree)}>
              Best as they are
            </button>
            <button
              type="button"
              onClick={() => setDegrees(Math.round((after.angle / kDegree) * 100) / 100)}
            >
              Best centered
            </button>
          </div>
        </div>
        <div class="two-figures">
          <Points title="as they are" points={turnedInPlane(kThreePoints, angle)} />
          <Points title="centered" points={turnedInPlane(kCentered, angle)} />
        </div>
      </div>
      <div>
        <Plot
          label={`${kReadings[which]} over the angle, before and after centering`}
          x={{ from: 0, to: 90, label: 'rotation in degrees' }}
          y={{ from: 0.5, to: 1.02, label: kReadings[which] }}
          curves={curves}
          dots={[
            { label: 'as they are, here', tone: 'tone-info', x: degrees, y: hereRaw },
            { label: 'centered, here', tone: 'tone-bad', x: degrees, y: hereAfter },
          ]}
        />
        <PlotKey items={curves} />
        <Numbers
          rows={[
            {
              name: 'points-raw-best',
              label: 'best as they are',
              value: fixed(raw.value, 5),
              note: `at ${fixed(raw.angle / kDegree, 1)}°`,
            },
            {
              name: 'points-centered-best',
              label: 'best centered',
              value: fixed(after.value, 5),
              note: `at ${fixed(after.angle / kDegree, 1)}°`,
            },
            {
              name: 'points-here',
              label: 'at this rotation',
              value: `${fixed(hereRaw, 5)} → ${fixed(hereAfter, 5)}`,
            },
          ]}
        />
        <Outcome holds={after.value >= raw.value}>
          The published sentence says that the best value over all rotations never falls by
          centering. Here it falls from {fixed(raw.value, 5)} to {fixed(after.value, 5)}.
        </Outcome>
      </div>
    </div>
  );
}
