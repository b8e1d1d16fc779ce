// The formal statements of an entry: status, Coq text, file, assumptions.
import { Disclosure } from '../components/Disclosure';
import { RichText } from '../components/RichText';
import { StatusChip } from './chips';
import type { Entry, FormalStatement } from './data';

function Assumptions({ statement }: { statement: FormalStatement }) {
  if (statement.name === null) return null;
  if (statement.assumptions.length === 0)
    return <p class="note">Assumes nothing beyond Coq's logic.</p>;
  return (
    <p class="note">
      Assumes{' '}
      {statement.assumptions.map((name, index) => (
        <span key={name}>
          {index > 0 && ', '}
          <code>{name}</code>
        </span>
      ))}
    </p>
  );
}

function Statement({ statement }: { statement: FormalStatement }) {
  const { id, name, status, file, line } = statement;
  return (
    <li class="formal">
      <div class="formal-head">
        <span class="card-id">{id}</span>
        <StatusChip status={status} />
        {name !== null && <code class="formal-name">{name}</code>}
        {file !== null && (
          <span class="note">
            proofs/{file}
            {line !== null && `:${line}`}
          </span>
        )}
      </div>
      {statement.statement !== null && (
        <Disclosure summary="Coq statement">
          <pre class="coq" tabIndex={0}>
            <code>{statement.statement}</code>
          </pre>
        </Disclosure>
      )}
      <Assumptions statement={statement} />
    </li>
  );
}

export function FormalPart({ entry }: { entry: Entry }) {
  return (
    <>
      {entry.formal.length === 0 && <p class="note">No formal statement.</p>}
      <ul class="plain-list">
        {entry.formal.map((statement) => (
          <Statement key={statement.id} statement={statement} />
        ))}
      </ul>
      {entry.difference !== null && (
        <p>
          <strong>Differs from the statement above: </strong>
          <RichText text={entry.difference} />
        </p>
      )}
      {entry.gap !== null && (
        <p>
          <strong>Not formal: </strong>
          <RichText text={entry.gap} />
        </p>
      )}
    </>
  );
}
