// Joins catalogue and statuses to what the page holds: texts typeset, links both ways, the weakest
// status of each entry, the words to search in, the graph laid out.
import {
  kStatuses,
  type Entry,
  type FormalStatement,
  type PageData,
  type Status,
  type Text,
} from '../src/theorems/data';
import type { FamilyFile } from '../src/generated/theorem_catalogue';
import type { Sources } from './catalogue';
import { layOut } from './graph';
import { Typesetter } from './typeset';

type Source = FamilyFile['entries'][number];

// proven is the strongest, then in kStatuses' order; an entry without a formal statement is informal.
export function weakest(statuses: Status[]): Status {
  const worst = Math.max(-1, ...statuses.map((status) => kStatuses.indexOf(status)));
  return kStatuses[worst] ?? 'informal';
}

function words(entry: Source, formal: FormalStatement[]): string {
  const texts = [
    entry.id,
    entry.title,
    entry.sentence,
    ...entry.hypotheses,
    entry.statement,
    entry.proof_idea,
    ...entry.claims.flatMap(({ claim, source, why }) => [claim, source, why]),
    entry.formal.difference,
    entry.formal.gap,
    entry.check?.computes,
    entry.check?.loose?.why,
    ...entry.experiments.flatMap(({ experiment, fields }) => [experiment, ...fields]),
    ...formal.flatMap(({ name, assumptions }) => [name, ...assumptions]),
  ];
  return texts
    .filter((text) => text != null)
    .join('\n')
    .toLowerCase();
}

export async function pageData({ families, statuses }: Sources): Promise<PageData> {
  const typesetter = new Typesetter();
  const sources = families.flatMap(({ family, entries }) =>
    entries.map((entry) => ({ family, entry })),
  );

  const entries: Entry[] = sources.map(({ family, entry }) => {
    const text = (field: string, source: string): Text =>
      typesetter.text(`${entry.id}: ${field}`, source);
    const formal = statuses.theorems
      .filter((row) => row.entry === entry.id)
      .map(({ entry: _, ...row }) => row);
    return {
      id: entry.id,
      family: family.id,
      title: text('title', entry.title),
      sentence: text('sentence', entry.sentence),
      hypotheses: entry.hypotheses.map((one) => text('hypotheses', one)),
      statement: text('statement', entry.statement),
      claims: entry.claims.map(({ claim, source, verdict, why }) => ({
        claim: claim === undefined ? null : text('claims', claim),
        source: source === undefined ? null : text('claims', source),
        verdict,
        why: text('claims', why),
      })),
      proof_idea: text('proof_idea', entry.proof_idea),
      formal,
      difference: entry.formal.difference === null ? null : text('formal', entry.formal.difference),
      gap: entry.formal.gap === null ? null : text('formal', entry.formal.gap),
      status: weakest(formal.map(({ status }) => status)),
      check: entry.check && {
        kind: entry.check.kind,
        computes: text('check', entry.check.computes),
        tolerance: text('check', entry.check.tolerance),
        loose: entry.check.loose
          ? {
              why: text('check', entry.check.loose.why),
              quantity: entry.check.loose.quantity,
              share: entry.check.loose.share,
            }
          : null,
      },
      experiments: entry.experiments,
      depends_on: entry.depends_on,
      used_by: sources
        .filter((other) => other.entry.depends_on.includes(entry.id))
        .map((other) => other.entry.id),
      search: words(entry, formal),
    };
  });

  return {
    families: families.map(({ family }) => ({
      id: family.id,
      name: typesetter.text(`${family.id}: name`, family.name),
      explanation: family.explanation.map((one) =>
        typesetter.text(`${family.id}: explanation`, one),
      ),
    })),
    entries,
    formulas: typesetter.formulas,
    graph: await layOut(entries.map(({ id, family, depends_on }) => ({ id, family, depends_on }))),
    proof_sources_sha256: statuses.sources_sha256,
  };
}
