// Which entries a place shows, and how many each choice would leave.
import type { CheckResult, Checks, Entry } from './data';
import type { Place } from './hash';

export function checkResult(entry: Entry, checks: Checks | null): CheckResult {
  const found = checks?.checks.find(({ id }) => id === entry.id);
  if (found !== undefined) return found.holds ? 'holds' : 'fails';
  return entry.check === null ? 'none' : 'not_run';
}

type Group = 'families' | 'statuses' | 'verdicts' | 'checks';

// Within a group any choice suffices, between groups all must be met; every word of the text must occur.
// except: a group to leave out, for counting its choices.
export function matches(
  entry: Entry,
  place: Place,
  checks: Checks | null,
  except?: Group,
): boolean {
  const met = (group: Group, values: string[]) =>
    group === except ||
    place[group].length === 0 ||
    values.some((value) => (place[group] as string[]).includes(value));
  return (
    met('families', [entry.family]) &&
    met('statuses', [entry.status]) &&
    met(
      'verdicts',
      entry.claims.map(({ verdict }) => verdict),
    ) &&
    met('checks', [checkResult(entry, checks)]) &&
    (place.experiment === null ||
      entry.experiments.some(({ experiment }) => experiment === place.experiment)) &&
    place.text
      .toLowerCase()
      .split(/\s+/)
      .every((word) => entry.search.includes(word))
  );
}

export function shownEntries(
  entries: readonly Entry[],
  place: Place,
  checks: Checks | null,
): Entry[] {
  return entries.filter((entry) => matches(entry, place, checks));
}

export function isFiltered(place: Place): boolean {
  return (
    place.families.length + place.statuses.length + place.verdicts.length + place.checks.length >
      0 ||
    place.experiment !== null ||
    place.text.trim() !== ''
  );
}
