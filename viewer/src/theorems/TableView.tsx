import { DataTable } from '../components/DataTable';
import { RichText } from '../components/RichText';
import { CheckChip, EntryStatusChip, VerdictChip, verdictsOf } from './chips';
import { checkResult } from './filter';
import { formatHash } from './hash';
import { SlackMark } from './SlackPart';
import { checks, place, shown } from './state';

export function TableView() {
  return (
    <DataTable
      caption="Theorems"
      rows={shown.value}
      rowId={({ id }) => id}
      rowClass={({ id }) => (place.value.target === id ? 'current' : undefined)}
      columns={[
        {
          head: 'Entry',
          rowHeader: true,
          cell: ({ id }) => (
            <a
              class="card-id"
              data-view="cards"
              title="open the card"
              href={formatHash({ ...place.value, view: 'cards', target: id })}
            >
              {id}
            </a>
          ),
        },
        {
          head: 'What it says',
          wide: true,
          cell: ({ title, sentence }) => (
            <>
              <strong>
                <RichText text={title} />
              </strong>
              <br />
              <RichText text={sentence} />
            </>
          ),
        },
        { head: 'Proof', cell: (entry) => <EntryStatusChip entry={entry} brief /> },
        {
          head: 'Formal',
          numeric: true,
          cell: ({ formal }) => {
            const named = formal.filter(({ name }) => name !== null);
            return `${named.filter(({ status }) => status === 'proven').length}/${named.length}`;
          },
        },
        {
          head: 'Published claim',
          cell: (entry) => (
            <div class="chips">
              {verdictsOf(entry).map((verdict) => (
                <VerdictChip key={verdict} verdict={verdict} />
              ))}
            </div>
          ),
        },
        {
          head: 'Numbers',
          cell: (entry) => (
            <div class="chips">
              <CheckChip result={checkResult(entry, checks)} />
              <SlackMark id={entry.id} />
            </div>
          ),
        },
        {
          head: 'Depends on',
          cell: ({ depends_on }) => (
            <div class="links">
              {depends_on.map((id) => (
                <a key={id} class="card-id" href={`#${id}`}>
                  {id}
                </a>
              ))}
            </div>
          ),
        },
      ]}
    />
  );
}
