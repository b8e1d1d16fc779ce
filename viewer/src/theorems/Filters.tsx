// Search, filters with counts, and the way back to everything.
import { useContext } from 'preact/hooks';
import { Formulas, plain } from '../components/RichText';
import { ToggleGroup } from '../components/ToggleGroup';
import { kCheckResults, kStatuses, kVerdicts, type Entry } from './data';
import { checkResult, isFiltered, matches } from './filter';
import { kStart, type Place } from './hash';
import { checks, data, go, place, shown, toggled } from './state';
import { kCheckWords, kStatusWords, kVerdictWords, type Word } from './words';

type Group = 'families' | 'statuses' | 'verdicts' | 'checks';

function count(group: Group, has: (entry: Entry) => boolean): number {
  return data.entries.filter((entry) => has(entry) && matches(entry, place.value, checks, group))
    .length;
}

function WordFilter<Value extends string>(props: {
  label: string;
  group: Group;
  values: readonly Value[];
  words: Record<Value, Word>;
  has: (entry: Entry, value: Value) => boolean;
}) {
  const { label, group, values, words, has } = props;
  const on = place.value[group] as readonly string[] as readonly Value[];
  const offered = values.filter(
    (value) => on.includes(value) || data.entries.some((entry) => has(entry, value)),
  );
  return (
    <fieldset>
      <legend>{label}</legend>
      <ToggleGroup
        label={label}
        on={on}
        toggle={(value) => go({ [group]: toggled(on, value), target: null } as Partial<Place>)}
        options={offered.map((value) => ({
          value,
          label: (
            <>
              <span class={`sign tone-${words[value].tone}`} aria-hidden="true">
                {words[value].sign}
              </span>
              {words[value].label}
            </>
          ),
          title: words[value].meaning,
          count: count(group, (entry) => has(entry, value)),
        }))}
      />
    </fieldset>
  );
}

function FamilyFilter() {
  const formulas = useContext(Formulas);
  return (
    <fieldset>
      <legend>Family</legend>
      <ToggleGroup
        label="Family"
        className="families"
        on={place.value.families}
        toggle={(id) => go({ families: toggled(place.value.families, id), target: null })}
        options={data.families.map(({ id, name }) => ({
          value: id,
          label: (
            <>
              <span class="card-id">{id}</span> {plain(name, formulas)}
            </>
          ),
          count: count('families', (entry) => entry.family === id),
        }))}
      />
    </fieldset>
  );
}

export function SearchField() {
  return (
    <label class="search">
      <span class="visually-hidden">Search the theorems</span>
      <input
        id="search"
        type="search"
        placeholder="Search  ( / )"
        autocomplete="off"
        spellcheck={false}
        value={place.value.text}
        onInput={(event) => go({ text: event.currentTarget.value, target: null })}
      />
    </label>
  );
}

export function Filters() {
  const { experiment } = place.value;
  return (
    <div class="filters">
      <SearchField />
      <p class="shown-count" role="status">
        {shown.value.length} of {data.entries.length} entries
        {isFiltered(place.value) && (
          <button
            type="button"
            class="link"
            onClick={() => go({ ...kStart, view: place.value.view })}
          >
            show all
          </button>
        )}
      </p>
      {experiment !== null && (
        <fieldset>
          <legend>Experiment</legend>
          <ToggleGroup
            label="Experiment"
            on={[experiment]}
            options={[{ value: experiment, label: experiment }]}
            toggle={() => go({ experiment: null })}
          />
        </fieldset>
      )}
      <WordFilter
        label="Proof"
        group="statuses"
        values={kStatuses}
        words={kStatusWords}
        has={(entry, value) => entry.status === value}
      />
      <WordFilter
        label="Published claim"
        group="verdicts"
        values={kVerdicts}
        words={kVerdictWords}
        has={(entry, value) => entry.claims.some(({ verdict }) => verdict === value)}
      />
      <WordFilter
        label="Numbers"
        group="checks"
        values={kCheckResults}
        words={kCheckWords}
        has={(entry, value) => checkResult(entry, checks) === value}
      />
      <FamilyFilter />
    </div>
  );
}
