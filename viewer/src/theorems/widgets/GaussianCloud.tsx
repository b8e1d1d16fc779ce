// A Gaussian cloud with a mean: the ratio falls by centering, the error falls too.
import { useMemo, useState } from 'preact/hooks';
import { Numbers, Slider } from '../../components/Controls';
import { fixed } from '../../components/numbers';
import { Plot, PlotKey } from '../../components/Plot';
import { sampleCloud } from '../../math/cloud';
import { kCenteredError, kGaussianBeta, rawError, rawPooled } from '../../math/gaussian';
import { Outcome } from './Widget';

const kDimension = 64;
const kKeys = 1500;
const kLargest = 4;
const kCurve = Array.from({ length: 81 }, (_, n) => (n / 80) * kLargest);
const kCurves = [
  {
    label: 'as it is, g(r)²/(1+r²)',
    tone: 'tone-info',
    points: kCurve.map((r) => [r, rawPooled(r)] as const),
  },
  {
    label: 'centered, 2/π',
    tone: 'tone-bad',
    points: kCurve.map((r) => [r, kGaussianBeta] as const),
    dashed: true,
  },
];

export function GaussianCloud() {
  const [r, setR] = useState(1);
  const [seed, setSeed] = useState(1);
  const cloud = useMemo(() => sampleCloud(r, kDimension, kKeys, seed), [r, seed]);
  return (
    <div class="widget-parts">
      <div>
        <div class="try-controls">
          <Slider
            label="Mean per coordinate, in standard deviations"
            value={r}
            min={0}
            max={kLargest}
            step={0.1}
            shown={fixed(r, 1)}
            onValue={setR}
          />
          <button type="button" onClick={() => setSeed(seed + 1)}>
            Draw again
          </button>
        </div>
        <Numbers
          rows={[
            {
              name: 'cloud-raw',
              label: 'ratio as it is',
              value: fixed(cloud.rawPool, 4),
              note: `formula ${fixed(rawPooled(r), 4)}`,
            },
            {
              name: 'cloud-centered',
              label: 'ratio centered',
              value: fixed(cloud.centeredPool, 4),
              note: `formula ${fixed(kGaussianBeta, 4)}`,
            },
            {
              name: 'cloud-raw-error',
              label: 'error as it is',
              value: fixed(cloud.rawError, 4),
              note: `formula ${fixed(rawError(r), 4)}`,
            },
            {
              name: 'cloud-centered-error',
              label: 'error centered',
              value: fixed(cloud.centeredError, 4),
              note: `formula ${fixed(kCenteredError, 4)}`,
            },
            {
              name: 'cloud-plus',
              label: 'sign bits that are +',
              value: `${fixed(100 * cloud.plusShare, 1)} %`,
            },
          ]}
        />
        <p class="note">
          {kKeys} keys of {kDimension} coordinates, seed {seed}, turned so that the mean points
          along the ones; the error is per coordinate of variance 1, with the best common scale.
        </p>
      </div>
      <div>
        <Plot
          label="Pooled ratio over the size of the mean, before and after centering"
          x={{ from: 0, to: kLargest, label: 'mean per coordinate, r' }}
          y={{ from: 0.5, to: 1, label: 'pooled ratio β' }}
          curves={kCurves}
          dots={[
            { label: 'this cloud as it is', tone: 'tone-info', x: r, y: cloud.rawPool },
            { label: 'this cloud centered', tone: 'tone-bad', x: r, y: cloud.centeredPool },
          ]}
        />
        <PlotKey items={kCurves} />
        {r > 0 && (
          <Outcome holds={false}>
            The published sentence says that the ratio rises by centering when the mean is not zero.
            Here it falls from {fixed(rawPooled(r), 4)} to {fixed(kGaussianBeta, 4)}. What does fall
            is the error: from {fixed(rawError(r), 4)} to {fixed(kCenteredError, 4)}. A high ratio
            before centering is the mean's, whose bits tell nothing.
          </Outcome>
        )}
      </div>
    </div>
  );
}
