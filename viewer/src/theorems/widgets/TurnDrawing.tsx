// Keys as arrows among the directions of the sign vectors. Dragging or the arrow keys turn all keys.
import { useRef } from 'preact/hooks';
import { fixed } from '../../components/numbers';
import { cubeEdges, projected, signDirections, signIndex } from './lattice';

export interface TurnDrawingProps {
  dimensions: 2 | 3;
  keys: readonly (readonly number[])[]; // turned, of length 1
  cosine: number; // mean
  turn: (right: number, up: number, around: number) => void; // radians
}

const kRadius = 130;
const kHalf = 165;
const kKeyStep = Math.PI / 60;

function Lattice({ dimensions, nearest }: { dimensions: 2 | 3; nearest: number }) {
  const corners = signDirections(dimensions).map(projected);
  const line = (a: number, b: number) => {
    const [[x1, y1, z1], [x2, y2, z2]] = [corners[a]!, corners[b]!];
    return (
      <line
        key={`${a} ${b}`}
        class={z1 + z2 < 0 ? 'far' : ''}
        x1={x1 * kRadius}
        y1={-y1 * kRadius}
        x2={x2 * kRadius}
        y2={-y2 * kRadius}
      />
    );
  };
  return (
    <g class="lattice">
      {dimensions === 2 ? [line(0, 3), line(1, 2)] : cubeEdges().map(([a, b]) => line(a, b))}
      {corners.map(([x, y, z], n) => (
        <rect
          key={n}
          class={n === nearest ? 'nearest' : z < 0 ? 'far' : ''}
          x={x * kRadius - 5}
          y={-y * kRadius - 5}
          width={10}
          height={10}
        />
      ))}
    </g>
  );
}

export function TurnDrawing({ dimensions, keys, cosine, turn }: TurnDrawingProps) {
  const last = useRef<{ x: number; y: number } | null>(null);
  const svg = useRef<SVGSVGElement>(null);
  const onPointerMove = (event: PointerEvent) => {
    if (last.current === null || event.buttons !== 1) return;
    const box = svg.current!.getBoundingClientRect();
    const radius = (kRadius / kHalf) * (box.width / 2);
    const [x, y] = [
      event.clientX - box.left - box.width / 2,
      event.clientY - box.top - box.height / 2,
    ];
    const { x: x0, y: y0 } = last.current;
    if (dimensions === 2) {
      const angle = Math.atan2(x0 * y - y0 * x, x0 * x + y0 * y); // the pointer's, clockwise on the screen
      turn(0, 0, -angle);
    } else {
      turn((x - x0) / radius, (y0 - y) / radius, 0);
    }
    last.current = { x, y };
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.shiftKey ? kKeyStep / 10 : kKeyStep;
    if (event.key === 'ArrowLeft') dimensions === 2 ? turn(0, 0, step) : turn(-step, 0, 0);
    else if (event.key === 'ArrowRight') dimensions === 2 ? turn(0, 0, -step) : turn(step, 0, 0);
    else if (event.key === 'ArrowUp') dimensions === 2 ? turn(0, 0, step) : turn(0, step, 0);
    else if (event.key === 'ArrowDown') dimensions === 2 ? turn(0, 0, -step) : turn(0, -step, 0);
    else return;
    event.preventDefault();
  };
  const arrows = keys.map((key) => projected(key));
  return (
    <svg
      ref={svg}
      class="turn-drawing"
      viewBox={`${-kHalf} ${-kHalf} ${2 * kHalf} ${2 * kHalf}`}
      role="slider"
      tabindex={0}
      aria-label={`Keys in ${dimensions} dimensions; drag or use the arrow keys to turn them`}
      aria-valuemin={0}
      aria-valuemax={1}
      aria-valuenow={Number(cosine.toFixed(4))}
      aria-valuetext={`mean cosine ${fixed(cosine, 4)}`}
      onPointerDown={(event) => {
        const box = svg.current!.getBoundingClientRect();
        last.current = {
          x: event.clientX - box.left - box.width / 2,
          y: event.clientY - box.top - box.height / 2,
        };
        svg.current!.setPointerCapture(event.pointerId);
      }}
      onPointerMove={onPointerMove}
      onPointerUp={() => {
        last.current = null;
      }}
      onKeyDown={onKeyDown}
    >
      <circle class="sphere" r={kRadius} />
      <Lattice dimensions={dimensions} nearest={signIndex(keys[0]!)} />
      {arrows.map(([x, y, z], n) => (
        <g key={n} class={`key-arrow ${n === 0 ? 'first' : ''} ${z < 0 ? 'far' : ''}`}>
          <line x1={0} y1={0} x2={x * kRadius} y2={-y * kRadius} />
          <circle cx={x * kRadius} cy={-y * kRadius} r={6} />
        </g>
      ))}
    </svg>
  );
}
