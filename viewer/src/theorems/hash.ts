// What the address says after "#": "[ENTRY, FAMILY or WIDGET][?filters]", as in "#DC-3",
// "#?view=table&verdict=false" or "#KR-2?view=graph". Anything unknown is dropped.
import {
  kCheckResults,
  kStatuses,
  kVerdicts,
  type CheckResult,
  type Status,
  type Verdict,
} from './data';

export const kViews = ['cards', 'table', 'graph', 'try'] as const;
export type View = (typeof kViews)[number];

export interface Place {
  target: string | null; // an entry's id, a family's or a widget's
  view: View;
  families: string[];
  statuses: Status[];
  verdicts: Verdict[];
  checks: CheckResult[];
  experiment: string | null;
  text: string;
}

export const kStart: Place = {
  target: null,
  view: 'cards',
  families: [],
  statuses: [],
  verdicts: [],
  checks: [],
  experiment: null,
  text: '',
};

const kTarget = /^([A-Z]{2}(-[0-9]+)?|try-[a-z]+)$/;
const kFamily = /^[A-Z]{2}$/;
const kExperiment = /^[a-z_]+$/;

function listed<Value extends string>(text: string | null, allowed: readonly Value[]): Value[] {
  const wanted = (text ?? '').split(',');
  return allowed.filter((value) => wanted.includes(value));
}

export function parseHash(hash: string): Place {
  const body = hash.replace(/^#/, '');
  const mark = body.indexOf('?');
  const target = mark < 0 ? body : body.slice(0, mark);
  const query = new URLSearchParams(mark < 0 ? '' : body.slice(mark + 1));
  const experiment = query.get('experiment');
  return {
    target: kTarget.test(target) ? target : null,
    view: target.startsWith('try-') ? 'try' : (listed(query.get('view'), kViews)[0] ?? 'cards'),
    families: [...new Set((query.get('family') ?? '').split(','))].filter((id) => kFamily.test(id)),
    statuses: listed(query.get('status'), kStatuses),
    verdicts: listed(query.get('verdict'), kVerdicts),
    checks: listed(query.get('check'), kCheckResults),
    experiment: experiment !== null && kExperiment.test(experiment) ? experiment : null,
    text: query.get('q') ?? '',
  };
}

export function formatHash(place: Place): string {
  const query: string[] = [];
  if (place.view !== 'cards') query.push(`view=${place.view}`);
  if (place.families.length > 0) query.push(`family=${place.families.join(',')}`);
  if (place.statuses.length > 0) query.push(`status=${place.statuses.join(',')}`);
  if (place.verdicts.length > 0) query.push(`verdict=${place.verdicts.join(',')}`);
  if (place.checks.length > 0) query.push(`check=${place.checks.join(',')}`);
  if (place.experiment !== null) query.push(`experiment=${place.experiment}`);
  if (place.text !== '') query.push(`q=${encodeURIComponent(place.text)}`);
  const hash = (place.target ?? '') + (query.length > 0 ? `?${query.join('&')}` : '');
  return hash === '' ? '' : `#${hash}`;
}
