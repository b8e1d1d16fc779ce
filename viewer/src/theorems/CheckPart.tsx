// The numerical check of an entry: what is computed, and what was found where the page holds numbers.
import { DataTable } from '../components/DataTable';
import { Disclosure } from '../components/Disclosure';
import { shown } from '../components/numbers';
import { RichText } from '../components/RichText';
import type { CheckOfEntry, Entry, Looseness } from './data';
import { SlackPart } from './SlackPart';
import { checks } from './state';
import { kCheckKinds } from './words';

type Finding = CheckOfEntry['findings'][number];
const kRelations: Record<Finding['relation'], string> = {
  '=': '=',
  '<=': '≤',
  '>=': '≥',
  '<': '<',
  '>': '>',
};

function Findings({ id, found }: { id: string; found: CheckOfEntry }) {
  const count = found.findings.length;
  const failing = found.findings.filter(({ holds }) => !holds).length;
  const summary =
    failing > 0
      ? `${failing} of ${count} findings fail`
      : count === 1
        ? '1 finding, it holds'
        : `${count} findings, all hold`;
  return (
    <Disclosure summary={summary} open={failing > 0} className="findings">
      <DataTable
        caption={`Findings of the check of ${id}`}
        rows={found.findings}
        rowClass={({ holds }) => (holds ? undefined : 'failing')}
        columns={[
          {
            head: 'Input',
            cell: ({ input }, above) =>
              input === above?.input ? <span class="same">{input}</span> : input,
          },
          { head: 'Quantity', cell: ({ quantity }) => quantity },
          { head: 'Value', numeric: true, cell: ({ value }) => shown(value) },
          {
            head: 'Expected',
            numeric: true,
            cell: ({ relation, bound }) => `${kRelations[relation]} ${shown(bound)}`,
          },
          { head: 'Tolerance', numeric: true, cell: ({ tolerance }) => shown(tolerance) },
          { head: 'Holds', cell: ({ holds }) => (holds ? 'yes' : 'NO') },
        ]}
      />
    </Disclosure>
  );
}

// The share as measured where the page holds numbers, else as the catalogue states it.
function LooseBound({ loose, found }: { loose: Looseness; found: Finding[] }) {
  const measured = found.find(({ quantity }) => quantity === loose.quantity);
  return (
    <p class="loose">
      <strong>Loose: a wrong constant could be true as well.</strong> <RichText text={loose.why} />{' '}
      {measured === undefined ? 'Stated' : 'Measured'}: {loose.quantity},{' '}
      {shown(measured === undefined ? loose.share : measured.value)}.
    </p>
  );
}

export function CheckPart({ entry }: { entry: Entry }) {
  const found = checks?.checks.find(({ id }) => id === entry.id);
  if (entry.check === null && found === undefined)
    return (
      <>
        <p class="note">There is nothing to compute.</p>
        <SlackPart id={entry.id} />
      </>
    );
  return (
    <>
      {entry.check !== null && (
        <>
          <p>
            <RichText text={entry.check.computes} />
          </p>
          <p class="note">
            {kCheckKinds[entry.check.kind] ?? entry.check.kind}; tolerance:{' '}
            <RichText text={entry.check.tolerance} />
          </p>
          {entry.check.loose !== null && (
            <LooseBound loose={entry.check.loose} found={found?.findings ?? []} />
          )}
        </>
      )}
      {found !== undefined ? (
        <Findings id={entry.id} found={found} />
      ) : (
        <p class="note">
          Not run in this page: <code>routegauge theorems check --id {entry.id}</code>
        </p>
      )}
      <SlackPart id={entry.id} />
    </>
  );
}
