import { Chip } from '../components/Chip';
import type { CheckResult, Entry, Status, Verdict } from './data';
import { checkResult } from './filter';
import { checks } from './state';
import { kCheckWords, kStatusWords, kVerdictWords, type Word } from './words';

function WordChip({ word, label }: { word: Word; label?: string | undefined }) {
  return (
    <Chip tone={word.tone} sign={word.sign} title={word.meaning}>
      {label ?? word.label}
    </Chip>
  );
}

export const StatusChip = ({ status, label }: { status: Status; label?: string }) => (
  <WordChip word={kStatusWords[status]} label={label} />
);
export const VerdictChip = ({ verdict }: { verdict: Verdict }) => (
  <WordChip word={kVerdictWords[verdict]} />
);
export const CheckChip = ({ result }: { result: CheckResult }) => (
  <WordChip word={kCheckWords[result]} />
);

export function verdictsOf(entry: Entry): Verdict[] {
  return [...new Set(entry.claims.map(({ verdict }) => verdict))];
}

// "proven", "deferred, 1 of 2 proven", "proven (differs)", "proven (in part)"; in brief without the count.
function statusLabel(entry: Entry, brief: boolean): string {
  const { formal, status } = entry;
  const proven = formal.filter((one) => one.status === 'proven').length;
  const share =
    !brief && status !== 'proven' && proven > 0 ? `, ${proven} of ${formal.length} proven` : '';
  return kStatusWords[status].label + share + kCoverNotes[coverOf(entry)];
}

// How much of the card's statement the formal ones are: all of it, all of it in other words, or less.
export type Cover = 'whole' | 'differs' | 'part' | 'none';
const kCoverNotes: Record<Cover, string> = {
  whole: '',
  differs: ' (differs)',
  part: ' (in part)',
  none: '',
};
export function coverOf({
  formal,
  difference,
  gap,
}: Pick<Entry, 'formal' | 'difference' | 'gap'>): Cover {
  if (!formal.some(({ name }) => name !== null)) return 'none';
  if (gap !== null) return 'part';
  return difference === null ? 'whole' : 'differs';
}

export const EntryStatusChip = ({ entry, brief = false }: { entry: Entry; brief?: boolean }) => (
  <StatusChip status={entry.status} label={statusLabel(entry, brief)} />
);

export function EntryChips({ entry }: { entry: Entry }) {
  return (
    <>
      <EntryStatusChip entry={entry} />
      {verdictsOf(entry).map((verdict) => (
        <VerdictChip key={verdict} verdict={verdict} />
      ))}
      <CheckChip result={checkResult(entry, checks)} />
    </>
  );
}
