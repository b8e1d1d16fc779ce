// A small plot: axes, curves, bars, vertical and horizontal marks. Lengths inside are SVG units; values
// are the caller's.
import type { ComponentChildren } from 'preact';

export interface Range {
  from: number;
  to: number;
}
export interface Curve {
  label: string;
  tone: string; // class "tone-..."
  points: readonly (readonly [number, number])[];
  dashed?: boolean;
}
export interface Mark {
  label: string;
  tone: string;
  at: number; // on the x axis
  dashed?: boolean;
}
export interface Dot {
  label: string;
  tone: string;
  x: number;
  y: number;
}

export interface PlotProps {
  label: string;
  x: Range & { label: string };
  y: Range & { label: string };
  curves?: readonly Curve[];
  bars?: readonly { from: number; to: number; height: number }[];
  marks?: readonly Mark[];
  dots?: readonly Dot[];
  children?: ComponentChildren;
}

const kWidth = 520;
const kHeight = 260;
const kMargin = { left: 48, right: 14, top: 24, bottom: 40 };

// Round values inside a range, about as many as wanted.
export function ticks({ from, to }: Range, wanted: number): number[] {
  const raw = (to - from) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((n) => n * power).find((one) => one >= raw)!;
  const count = Math.floor(to / step + 1e-9) - Math.ceil(from / step - 1e-9) + 1;
  const first = Math.ceil(from / step - 1e-9);
  return Array.from({ length: count }, (_, n) => Number(((first + n) * step).toPrecision(12)));
}

export function Plot({ label, x, y, curves = [], bars = [], marks = [], dots = [] }: PlotProps) {
  const px = (value: number) =>
    kMargin.left + ((value - x.from) / (x.to - x.from)) * (kWidth - kMargin.left - kMargin.right);
  const py = (value: number) =>
    kHeight -
    kMargin.bottom -
    ((value - y.from) / (y.to - y.from)) * (kHeight - kMargin.top - kMargin.bottom);
  const [bottom, top] = [py(y.from), py(y.to)];
  return (
    <svg class="plot" viewBox={`0 0 ${kWidth} ${kHeight}`} role="img" aria-label={label}>
      {ticks(y, 4).map((value) => (
        <g key={`y${value}`} class="tick">
          <line x1={px(x.from)} x2={px(x.to)} y1={py(value)} y2={py(value)} />
          <text x={px(x.from) - 6} y={py(value)} dy="0.35em" text-anchor="end">
            {value}
          </text>
        </g>
      ))}
      {ticks(x, 6).map((value) => (
        <text key={`x${value}`} class="tick" x={px(value)} y={bottom + 15} text-anchor="middle">
          {value}
        </text>
      ))}
      <line class="axis" x1={px(x.from)} x2={px(x.to)} y1={bottom} y2={bottom} />
      <text class="axis-label" x={px((x.from + x.to) / 2)} y={kHeight - 6} text-anchor="middle">
        {x.label}
      </text>
      <text class="axis-label" x={4} y={9}>
        {y.label}
      </text>
      {bars.map(({ from, to, height }) => (
        <rect
          key={from}
          class="bar"
          x={px(from)}
          width={Math.max(0, px(to) - px(from) - 0.5)}
          y={py(height)}
          height={bottom - py(height)}
        />
      ))}
      {curves.map(({ label: name, tone, points, dashed }) => (
        <polyline
          key={name}
          class={`curve ${tone} ${dashed ? 'dashed' : ''}`}
          points={points.map(([a, b]) => `${px(a).toFixed(1)},${py(b).toFixed(1)}`).join(' ')}
        >
          <title>{name}</title>
        </polyline>
      ))}
      {marks
        .filter(({ at }) => at >= x.from && at <= x.to)
        .map(({ label: name, tone, at, dashed }) => (
          <line
            key={name}
            class={`curve ${tone} ${dashed ? 'dashed' : ''}`}
            x1={px(at)}
            x2={px(at)}
            y1={bottom}
            y2={top}
          >
            <title>{name}</title>
          </line>
        ))}
      {dots.map(({ label: name, tone, x: a, y: b }) => (
        <circle key={name} class={`dot ${tone}`} cx={px(a)} cy={py(b)} r={5}>
          <title>{name}</title>
        </circle>
      ))}
    </svg>
  );
}

export function PlotKey({
  items,
}: {
  items: readonly { label: string; tone: string; dashed?: boolean }[];
}) {
  return (
    <ul class="plot-key plain-list">
      {items.map(({ label, tone, dashed }) => (
        <li key={label}>
          <svg width="22" height="8" aria-hidden="true">
            <line class={`curve ${tone} ${dashed ? 'dashed' : ''}`} x1="1" x2="21" y1="4" y2="4" />
          </svg>
          {label}
        </li>
      ))}
    </ul>
  );
}
