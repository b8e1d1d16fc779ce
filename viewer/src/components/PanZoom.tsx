// A drawing that can be dragged and zoomed: by the buttons, by +, - and 0, or by the wheel with Ctrl.
import type { ComponentChildren } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export interface PanZoomProps {
  width: number; // of the drawing, in its own units
  height: number;
  label: string;
  children: ComponentChildren;
}

interface Window {
  x: number; // centre of what is seen
  y: number;
  zoom: number; // 1: the drawing fits
}

const kZoomMax = 8;

export function PanZoom({ width, height, label, children }: PanZoomProps) {
  const whole: Window = { x: width / 2, y: height / 2, zoom: 1 };
  const [seen, setSeen] = useState(whole);
  const svg = useRef<SVGSVGElement>(null);
  const drag = useRef<{ x: number; y: number; from: Window } | null>(null);

  const zoomBy = (factor: number) =>
    setSeen((old) => {
      const zoom = Math.min(Math.max(old.zoom * factor, 1), kZoomMax);
      return zoom === 1 ? whole : { ...old, zoom };
    });
  const unitsPerPixel = () => width / seen.zoom / (svg.current?.clientWidth || width);

  useEffect(() => {
    const element = svg.current!;
    const onWheel = (event: WheelEvent) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoomBy(Math.exp(-event.deltaY / 300));
    };
    element.addEventListener('wheel', onWheel, { passive: false });
    return () => element.removeEventListener('wheel', onWheel);
  }, [width, height]);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key === '+' || event.key === '=') zoomBy(1.4);
    else if (event.key === '-') zoomBy(1 / 1.4);
    else if (event.key === '0') setSeen(whole);
  };

  const [w, h] = [width / seen.zoom, height / seen.zoom];
  return (
    <div class="pan-zoom" onKeyDown={onKeyDown}>
      <div class="pan-zoom-buttons" role="group" aria-label="Zoom">
        <button type="button" aria-label="zoom in" onClick={() => zoomBy(1.4)}>
          +
        </button>
        <button type="button" aria-label="zoom out" onClick={() => zoomBy(1 / 1.4)}>
          −
        </button>
        <button type="button" onClick={() => setSeen(whole)}>
          fit
        </button>
      </div>
      <div class="pan-zoom-scroll">
        <svg
          ref={svg}
          role="group"
          aria-label={label}
          viewBox={`${seen.x - w / 2} ${seen.y - h / 2} ${w} ${h}`}
          class={seen.zoom > 1 ? 'zoomed' : undefined}
          onPointerDown={(event) => {
            drag.current = { x: event.clientX, y: event.clientY, from: seen };
          }}
          onPointerMove={(event) => {
            if (drag.current === null || event.buttons !== 1 || seen.zoom === 1) return;
            const { x, y, from } = drag.current;
            const scale = unitsPerPixel();
            setSeen({
              ...from,
              x: from.x - (event.clientX - x) * scale,
              y: from.y - (event.clientY - y) * scale,
            });
          }}
          onPointerUp={() => {
            drag.current = null;
          }}
        >
          {children}
        </svg>
      </div>
    </div>
  );
}
