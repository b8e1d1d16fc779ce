import { useEffect } from 'preact/hooks';
import { Formulas } from '../components/RichText';
import { ThemeButton } from '../components/theme';
import { ToggleGroup } from '../components/ToggleGroup';
import { CardsView } from './CardsView';
import { Filters } from './Filters';
import { GraphView } from './GraphView';
import { kViews, type View } from './hash';
import { Legend } from './Legend';
import { checks, checksUnreadable, data, go, place, reveal, shown, slack } from './state';
import { Summary } from './Summary';
import { TableView } from './TableView';
import { TryView } from './widgets/TryView';

const kViewLabels: Record<View, string> = {
  cards: 'Cards',
  table: 'Table',
  graph: 'Graph',
  try: 'Try it',
};

function CurrentView({ view }: { view: View }) {
  if (view === 'try') return <TryView />;
  if (shown.value.length === 0) return <p class="nothing">No entry meets all filters.</p>;
  if (view === 'graph') return <GraphView />;
  return view === 'table' ? <TableView /> : <CardsView />;
}

function Origin() {
  return (
    <footer class="origin">
      <p>
        {checks !== null
          ? `Numbers: routegauge ${checks.program_version}, seed ${checks.seed}. `
          : checksUnreadable
            ? 'This page holds numbers that it cannot read; they are left out. '
            : 'The numerical checks were not run in this page: routegauge theorems page puts them in. '}
        {slack !== null &&
          `Shares of slack: ${slack.model.ckpt}, ${slack.domain}, artifact ${slack.body_sha256.slice(0, 12)}, ${slack.summary.verdict.outcome}. `}
        Proof statuses: read from the compiled proofs whose sources have SHA-256{' '}
        <code class="hash">{data.proof_sources_sha256}</code>.
      </p>
      <p class="note">
        This file fetches nothing. Formulas are set in STIX Two Math (SIL Open Font License 1.1).
      </p>
    </footer>
  );
}

export function App() {
  const { target, view } = place.value;
  useEffect(() => {
    if (target !== null) reveal(target);
  }, [target, view]);
  return (
    <Formulas.Provider value={data.formulas}>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('main')?.focus();
        }}
      >
        Skip to the theorems
      </a>
      <header class="top">
        <h1>Theorems</h1>
        <ToggleGroup
          label="View"
          className="segmented"
          on={[view]}
          toggle={(value) => go({ view: value })}
          options={kViews.map((value) => ({ value, label: kViewLabels[value] }))}
        />
        <ThemeButton />
      </header>
      <div class={`layout view-${view}`}>
        {view !== 'try' && (
          <aside aria-label="Filters">
            <details
              class="disclosure"
              id="filters-small"
              open={matchMedia('(min-width: 60rem)').matches}
            >
              <summary>Search and filter</summary>
              <Filters />
            </details>
          </aside>
        )}
        <main id="main" tabIndex={-1}>
          {view !== 'try' && <Summary />}
          {view !== 'try' && <Legend />}
          <CurrentView view={view} />
          <Origin />
        </main>
      </div>
    </Formulas.Provider>
  );
}
