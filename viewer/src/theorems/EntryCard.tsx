// One entry as a card. What is claimed and on which hypotheses is always open; how it is proved and
// computed opens on demand.
import { useContext } from 'preact/hooks';
import { Card, Section } from '../components/Card';
import { Disclosure } from '../components/Disclosure';
import { Formulas, plain, RichText } from '../components/RichText';
import { CheckPart } from './CheckPart';
import { type Cover, coverOf, EntryChips, VerdictChip } from './chips';
import type { Claim, Entry } from './data';
import { FormalPart } from './FormalPart';
import { inParts } from './parts';
import { entryOf, go, place } from './state';
import { widgetFor } from './widgets/list';

const kCoverWords: Record<Cover, string> = {
  whole: '',
  differs: ', not quite the one above',
  part: ', part of the one above',
  none: '',
};

function ClaimItem({ claim }: { claim: Claim }) {
  return (
    <li class="claim">
      <VerdictChip verdict={claim.verdict} />
      <div>
        {claim.claim !== null && (
          <blockquote>
            <RichText text={claim.claim} />
          </blockquote>
        )}
        <p>
          <RichText text={claim.why} />
          {claim.source !== null && (
            <span class="note">
              {' '}
              Source: <RichText text={claim.source} />
            </span>
          )}
        </p>
      </div>
    </li>
  );
}

function EntryLinks({ label, ids }: { label: string; ids: readonly string[] }) {
  const formulas = useContext(Formulas);
  if (ids.length === 0) return null;
  return (
    <p class="links">
      <span class="note">{label}</span>
      {ids.map((id) => (
        <a
          key={id}
          href={`#${id}`}
          class="card-id"
          title={plain(entryOf.get(id)?.title ?? [], formulas)}
        >
          {id}
        </a>
      ))}
    </p>
  );
}

function ExperimentLinks({ entry }: { entry: Entry }) {
  if (entry.experiments.length === 0) return null;
  return (
    <div class="links">
      <span class="note">Experiments</span>
      {entry.experiments.map(({ experiment, fields }) => (
        <span key={experiment}>
          <button
            type="button"
            class="link"
            title={`entries that concern ${experiment}`}
            onClick={() => go({ experiment, target: null })}
          >
            {experiment}
          </button>
          {fields.length > 0 && <span class="note">: {fields.join(', ')}</span>}
        </span>
      ))}
    </div>
  );
}

export function EntryCard({ entry }: { entry: Entry }) {
  const widget = widgetFor(entry.id);
  const formalCount = entry.formal.filter(({ name }) => name !== null).length;
  return (
    <Card
      id={entry.id}
      title={<RichText text={entry.title} />}
      current={place.value.target === entry.id}
      chips={<EntryChips entry={entry} />}
    >
      <p class="sentence">
        <RichText text={entry.sentence} />
      </p>
      <div class="statement">
        {inParts(entry.statement).map((part, index) => (
          <div key={index}>
            <RichText text={part} />
          </div>
        ))}
      </div>
      {entry.hypotheses.length > 0 && (
        <Section title="Where">
          <ul class="hypotheses">
            {entry.hypotheses.map((text, index) => (
              <li key={index}>
                <RichText text={text} />
              </li>
            ))}
          </ul>
        </Section>
      )}
      <Section title={entry.claims.length > 1 ? 'Published claims' : 'Published claim'}>
        <ul class="plain-list">
          {entry.claims.map((claim, index) => (
            <ClaimItem key={index} claim={claim} />
          ))}
        </ul>
      </Section>
      <div class="parts">
        <Disclosure summary="Proof idea">
          <p>
            <RichText text={entry.proof_idea} />
          </p>
        </Disclosure>
        <Disclosure
          summary={`Formal statements: ${formalCount || 'none'}${kCoverWords[coverOf(entry)]}`}
        >
          <FormalPart entry={entry} />
        </Disclosure>
        <Disclosure summary={`Numerical check${entry.check?.loose ? ' (the bound is loose)' : ''}`}>
          <CheckPart entry={entry} />
        </Disclosure>
      </div>
      <footer>
        <EntryLinks label="Depends on" ids={entry.depends_on} />
        <EntryLinks label="Used by" ids={entry.used_by} />
        <ExperimentLinks entry={entry} />
        {widget !== undefined && (
          <p class="links">
            <span class="note">Try it</span>
            <a href={`#${widget.id}`}>{widget.title}</a>
          </p>
        )}
      </footer>
    </Card>
  );
}
