// Keys with independent coordinates of a chosen law: their 1-bit cosines against the Gaussian floor.
import { useMemo, useState } from 'preact/hooks';
import { Choice, Numbers, Slider } from '../../components/Controls';
import { fixed } from '../../components/numbers';
import { Plot, PlotKey } from '../../components/Plot';
import { kGaussianFloor } from '../../math/gaussian';
import { exactAt, kLawOf, kLaws, sampleKeys, type LawId } from '../../math/laws';
import { Widget } from './Widget';

const kCoordinates = 400_000; // drawn at most, for one setting
const kKeysMost = 4000;
const kBins = 60;

function histogram(values: readonly number[], from: number) {
  const width = (1 - from) / kBins;
  const counts = new Array<number>(kBins).fill(0);
  for (const value of values)
    ++counts[Math.min(kBins - 1, Math.max(0, Math.floor((value - from) / width)))]!;
  return counts.map((count, n) => ({
    from: from + n * width,
    to: from + (n + 1) * width,
    height: count / values.length,
  }));
}

export function RatioWidget() {
  const [law, setLaw] = useState<LawId>('gaussian');
  const [power, setPower] = useState(6);
  const [kept, setKept] = useState(0.25);
  const [seed, setSeed] = useState(1);
  const d = 2 ** power;
  const count = Math.min(kKeysMost, Math.floor(kCoordinates / d));
  const sample = useMemo(() => sampleKeys(law, kept, d, count, seed), [law, kept, d, count, seed]);
  const limit = Math.sqrt(kLawOf[law].beta(kept));
  const exact = exactAt(law, d);
  const from = Math.max(
    0,
    Math.floor((Math.min(limit, kGaussianFloor, ...sample.cosines) - 0.02) * 20) / 20,
  );
  const bars = histogram(sample.cosines, from);
  const marks = [
    { label: 'Gaussian floor, √(2/π)', tone: 'tone-plain', at: kGaussianFloor, dashed: true },
    { label: 'limit of this law, √β', tone: 'tone-info', at: limit },
    { label: 'mean of the sample', tone: 'tone-bad', at: sample.cosine.mean },
  ];
  return (
    <Widget
      id="try-ratio"
      intro="With independent coordinates, the 1-bit cosine of a long key tends to a number that the law alone decides. Gaussian coordinates give 0.7979; laws with two even humps give more, laws with many near-zeros less."
    >
      <div class="widget-parts">
        <div>
          <div class="try-controls">
            <Choice
              label="Coordinates"
              value={law}
              onValue={setLaw}
              options={kLaws.map((value) => ({ value, label: kLawOf[value].label }))}
            />
            <Slider
              label="Dimension d"
              value={power}
              min={1}
              max={10}
              step={1}
              shown={String(d)}
              onValue={setPower}
            />
            {law === 'masked' && (
              <Slider
                label="Share not zero"
                value={kept}
                min={0.02}
                max={1}
                step={0.02}
                onValue={setKept}
              />
            )}
            <button type="button" onClick={() => setSeed(seed + 1)}>
              Draw again
            </button>
          </div>
          <Numbers
            rows={[
              {
                name: 'mean-cosine',
                label: 'mean cosine',
                value: fixed(sample.cosine.mean, 5),
                note: `± ${fixed(sample.cosine.error, 5)}`,
              },
              {
                name: 'exact-cosine',
                label: `exact at d = ${d}`,
                value: exact === null ? 'no formula' : fixed(exact.cosine, 5),
              },
              { name: 'limit-cosine', label: 'limit, √β', value: fixed(limit, 5) },
              {
                name: 'mean-beta',
                label: 'mean squared cosine',
                value: fixed(sample.beta.mean, 5),
                note: `± ${fixed(sample.beta.error, 5)}`,
              },
              {
                name: 'exact-beta',
                label: `exact at d = ${d}`,
                value: exact === null ? 'no formula' : fixed(exact.beta, 5),
              },
              { name: 'limit-beta', label: 'limit, β', value: fixed(limit * limit, 5) },
            ]}
          />
          <p class="note">
            {count} keys, seed {seed}; ± is one standard error.
          </p>
        </div>
        <div>
          <Plot
            label={`Histogram of the cosines of ${count} keys; mean ${fixed(sample.cosine.mean, 4)}`}
            x={{ from, to: 1, label: '1-bit cosine' }}
            y={{
              from: 0,
              to: Math.max(...bars.map(({ height }) => height)) * 1.08,
              label: 'share of keys',
            }}
            bars={bars}
            marks={marks}
          />
          <PlotKey items={marks} />
        </div>
      </div>
    </Widget>
  );
}
