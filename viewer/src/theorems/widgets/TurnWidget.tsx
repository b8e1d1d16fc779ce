// Keys turned by hand towards the sign vectors, or by an ITQ round at a time.
import { useMemo, useState } from 'preact/hooks';
import type { Matrix } from 'ml-matrix';
import { Numbers, Slider } from '../../components/Controls';
import { fixed } from '../../components/numbers';
import { ToggleGroup } from '../../components/ToggleGroup';
import { cosine, mean, squared } from '../../math/one_bit';
import { normal, seeded } from '../../math/random';
import { apply, identity, itqRound, orthogonal, planeTurn } from '../../math/rotation';
import { camera } from './lattice';
import { Outcome, Widget } from './Widget';

import { TurnDrawing } from './TurnDrawing';

const kStill = 1e-9; // a change of the mean cosine below this is none

function drawKeys(dimensions: 2 | 3, count: number, seed: number): number[][] {
  const draw = normal(seeded(seed));
  return Array.from({ length: count }, () => {
    const key = Array.from({ length: dimensions }, draw);
    const length = Math.sqrt(squared(key));
    return key.map((x) => x / length);
  });
}

export function TurnWidget() {
  const [dimensions, setDimensions] = useState<2 | 3>(2);
  const [count, setCount] = useState(1);
  const [seed, setSeed] = useState(1);
  const [turned, setTurned] = useState<Matrix>(identity(2));
  const [outcome, setOutcome] = useState<{ from: number; to: number } | null>(null);
  const keys = useMemo(() => drawKeys(dimensions, count, seed), [dimensions, count, seed]);
  const now = keys.map((key) => apply(turned, key));
  const average = mean(now.map(cosine));

  const restart = (size: 2 | 3) => {
    setTurned(identity(size));
    setOutcome(null);
  };
  const turn = (right: number, up: number, around: number) => {
    const seen = camera();
    const step =
      dimensions === 2
        ? planeTurn(2, 0, 1, around)
        : seen
            .transpose()
            .mmul(planeTurn(3, 2, 0, right))
            .mmul(planeTurn(3, 2, 1, up))
            .mmul(seen);
    setTurned((old) => orthogonal(step.mmul(old)));
    setOutcome(null);
  };
  const round = () => {
    const next = itqRound(turned, keys);
    setOutcome({ from: average, to: mean(keys.map((key) => cosine(apply(next, key)))) });
    setTurned(next);
  };

  return (
    <Widget
      id="try-turn"
      intro="The squares are the directions of the sign vectors. The cosine between a key and its sign vector is the share of its length that one bit per coordinate keeps. Drag the drawing, or step with the arrow keys, to turn all keys at once; an ITQ round turns them by rule."
    >
      <div class="widget-parts">
        <TurnDrawing dimensions={dimensions} keys={now} cosine={average} turn={turn} />
        <div>
          <div class="try-controls">
            <ToggleGroup
              label="Dimensions"
              className="segmented"
              on={[String(dimensions) as '2' | '3']}
              options={[
                { value: '2', label: '2-D' },
                { value: '3', label: '3-D' },
              ]}
              toggle={(value) => {
                setDimensions(value === '2' ? 2 : 3);
                restart(value === '2' ? 2 : 3);
              }}
            />
            <Slider
              label="Keys"
              value={count}
              min={1}
              max={12}
              step={1}
              onValue={(value) => {
                setCount(value);
                restart(dimensions);
              }}
            />
            <div class="buttons">
              <button type="button" onClick={round}>
                ITQ round
              </button>
              <button type="button" onClick={() => restart(dimensions)}>
                Turn back
              </button>
              <button
                type="button"
                onClick={() => {
                  setSeed(seed + 1);
                  restart(dimensions);
                }}
              >
                Other keys
              </button>
            </div>
          </div>
          <Numbers
            rows={[
              {
                name: 'turn-first',
                label: 'cosine of the first key',
                value: fixed(cosine(now[0]!), 5),
              },
              { name: 'turn-mean', label: 'mean cosine', value: fixed(average, 5) },
              {
                name: 'turn-least',
                label: 'least possible, 1/√d',
                value: fixed(1 / Math.sqrt(dimensions), 5),
              },
            ]}
          />
          {outcome !== null && (
            <Outcome holds={outcome.to >= outcome.from - kStill}>
              {outcome.to - outcome.from > kStill
                ? `The round raised the mean cosine from ${fixed(outcome.from, 5)} to ${fixed(outcome.to, 5)}.`
                : 'The round changed nothing: these signs and this rotation fit each other best.'}
            </Outcome>
          )}
          <p class="note">
            One key can always be turned onto a sign vector, so a cosine of 1 for a few keys proves
            nothing. With more keys than dimensions, rounds end where no round helps, which need not
            be the best of all rotations.
          </p>
        </div>
      </div>
    </Widget>
  );
}
