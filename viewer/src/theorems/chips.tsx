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
export const VerdictChip = ({ verdict }: { verdict: Verdict }) => <WordChip word={kVerdictWords[verdict]} />;
export const CheckChip = ({ result }: { result: CheckResult }) => <WordChip word={kCheckWords[result]} />;

export function verdictsOf(entry: Entry): Verdict[] {
  return [...new Set(entry.claims.map(({ verdict }) => verdict))];
}

export function EntryChips({ entry }: { entry: Entry }) {
  const proven = entry.formal.filter(({ status }) => status === 'proven').length;
  const part = entry.status !== 'proven' && proven > 0 ? `, ${proven} of ${entry.formal.length} proven` : '';
  return (
    <>
      <StatusChip status={entry.status} label={kStatusWords[entry.status].label + part} />
      {verdictsOf(entry).map((verdict) => (
        <VerdictChip key={verdict} verdict={verdict} />
      ))}
      <CheckChip result={checkResult(entry, checks)} />
    </>
  );
}
