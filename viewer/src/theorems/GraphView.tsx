// The dependency graph: an entry is right of those it depends on. Fill = proof status, border = verdict on the
// published claim, ring = numerical check. Layout was made at build time.
import { useContext } from 'preact/hooks';
import { PanZoom } from '../components/PanZoom';
import { Formulas, plain, RichText } from '../components/RichText';
import { EntryChips, verdictsOf } from './chips';
import { kVerdicts, type Entry, type GraphNode, type Verdict } from './data';
import { checkResult } from './filter';
import { formatHash } from './hash';
import { neighbour, related, type Direction } from './reach';
import { ringLabel, slackOf } from './slack';
import { checks, data, entryOf, go, open, place, reveal, shown, slack } from './state';
import { kCheckWords, kStatusWords, kVerdictWords } from './words';

const kArrows: Record<string, Direction> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

// The verdict that a reader must not miss: false before repaired before true before new.
export function gravest(entry: Entry): Verdict {
  const verdicts = verdictsOf(entry);
  return (
    (['false', 'repaired', 'true', 'new'] as const).find((one) => verdicts.includes(one)) ??
    kVerdicts[3]
  );
}

const kLineLetters = 28;

// A title on at most two lines.
export function wrapped(title: string): string[] {
  const lines = [''];
  for (const word of title.split(' ')) {
    const last = lines[lines.length - 1]!;
    if (last !== '' && last.length + 1 + word.length > kLineLetters) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.length <= 2 ? lines : [lines[0]!, `${lines[1]!.slice(0, kLineLetters - 2)} …`];
}

function Node({ node, lit, focusable }: { node: GraphNode; lit: boolean; focusable: boolean }) {
  const formulas = useContext(Formulas);
  const entry = entryOf.get(node.id)!;
  const { node_width: w, node_height: h, nodes } = data.graph;
  const result = checkResult(entry, checks);
  const verdict = gravest(entry);
  const found = slackOf(entry.id, slack);
  const measured = found?.kind === 'measured' ? found : null;
  const label =
    `${entry.id} ${plain(entry.title, formulas)}: ${kStatusWords[entry.status].label}, ` +
    `${kVerdictWords[verdict].label}, ${kCheckWords[result].label}` +
    (measured === null ? '' : `, ${ringLabel(measured)}`);
  const current = place.value.target === entry.id;
  const onKeyDown = (event: KeyboardEvent) => {
    const direction = kArrows[event.key];
    if (event.key === 'Enter') open(entry.id, 'cards');
    else if (direction !== undefined) {
      const next = neighbour(nodes, node, direction);
      if (next !== null) {
        go({ target: next.id });
        reveal(next.id);
      }
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <g
      id={entry.id}
      role="button"
      tabindex={focusable ? 0 : -1}
      aria-label={label}
      aria-pressed={current}
      class={`node status-${entry.status} verdict-${verdict} ${lit ? '' : 'dim'} ${current ? 'current' : ''}`}
      transform={`translate(${node.x} ${node.y})`}
      onClick={() => go({ target: current ? null : entry.id })}
      onKeyDown={onKeyDown}
    >
      <title>{label}</title>
      {(result === 'holds' || result === 'fails') && (
        <rect
          class={`ring ring-${result}`}
          x={-w / 2 - 5}
          y={-h / 2 - 5}
          width={w + 10}
          height={h + 10}
          rx={11}
        />
      )}
      {measured !== null && (
        <rect
          class={`slack-ring ${measured.violated ? 'slack-violated' : ''}`}
          x={-w / 2 - 9}
          y={-h / 2 - 9}
          width={w + 18}
          height={h + 18}
          rx={14}
          pathLength={1}
          stroke-dasharray={measured.violated ? undefined : `${measured.share ?? 0} 1`}
        />
      )}
      <rect class="face" x={-w / 2} y={-h / 2} width={w} height={h} rx={7} />
      <text class="card-id" y={-h / 2 + 14}>
        {entry.id}
      </text>
      {wrapped(plain(entry.title, formulas)).map((line, index) => [
        ' ', // keeps the words apart for whoever hears them
        <text key={line} class="node-title" y={-h / 2 + 27 + 12 * index}>
          {line}
        </text>,
      ])}
    </g>
  );
}

function Selected({ entry }: { entry: Entry }) {
  return (
    <section class="graph-selected" aria-live="polite">
      <h3>
        <a
          class="card-id"
          data-view="cards"
          href={formatHash({ ...place.value, view: 'cards', target: entry.id })}
        >
          {entry.id}
        </a>{' '}
        <RichText text={entry.title} />
      </h3>
      <div class="chips">
        <EntryChips entry={entry} />
      </div>
      <p>
        <RichText text={entry.sentence} />
      </p>
    </section>
  );
}

function GraphKey() {
  return (
    <p class="graph-key note">
      An arrow runs from an entry to one that depends on it. Fill: proof. Border: verdict on the
      published claim (solid true, dashed repaired, thick red false, dotted new). Ring: numerical
      check{checks === null && ', absent here because none was run in this page'}.{' '}
      {slack !== null &&
        `Outer ring: share of the slack that ${slack.model.ckpt} uses at most, a whole ring all of it. `}
      Click an entry, or step with the arrows; Enter opens its card.
    </p>
  );
}

export function GraphView() {
  const { graph, families } = data;
  const { target } = place.value;
  const formulas = useContext(Formulas);
  const ids = new Set(shown.value.map(({ id }) => id));
  const selected = target === null ? undefined : entryOf.get(target);
  const close = selected && related(selected.id, entryOf);
  const lit = (id: string) => ids.has(id) && (close === undefined || close.has(id));
  const entrance = selected?.id ?? shown.value[0]?.id;
  return (
    <div class="graph">
      <GraphKey />
      {selected !== undefined && <Selected entry={selected} />}
      <PanZoom width={graph.width} height={graph.height} label="Dependency graph">
        <defs>
          <marker
            id="tip"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="6"
            markerHeight="6"
            orient="auto"
          >
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {graph.boxes.map(({ family, x, y, width, height }) => {
          const name = families.find(({ id }) => id === family)?.name ?? [];
          return (
            <g key={family} class="family-box">
              <rect x={x} y={y} width={width} height={height} rx={10}>
                <title>{plain(name, formulas)}</title>
              </rect>
              <text x={x + 12} y={y + 16}>
                {plain(name, formulas)}
              </text>
            </g>
          );
        })}
        {graph.edges.map(({ from, to, path }) => (
          <path
            key={`${from} ${to}`}
            class={lit(from) && lit(to) ? 'edge' : 'edge dim'}
            d={path}
            marker-end="url(#tip)"
          />
        ))}
        {graph.nodes.map((node) => (
          <Node key={node.id} node={node} lit={lit(node.id)} focusable={node.id === entrance} />
        ))}
      </PanZoom>
    </div>
  );
}
