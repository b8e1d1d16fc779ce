// What an artifact of theorem_slack says about an entry: which share of the slack that the theorem
// leaves a checkpoint's own keys, gates and experts use.
import type { Slack } from './data';

type Summary = Slack['summary']['per_theorem'][string];

export type SlackOf =
  | { kind: 'measured'; of: Summary; share: number | null; violated: boolean }
  | { kind: 'none'; reason: string };

// null: the page holds no artifact, or one that doesn't know the entry.
export function slackOf(id: string, slack: Slack | null): SlackOf | null {
  if (slack === null) return null;
  const reason = slack.no_check[id];
  if (reason !== undefined) return { kind: 'none', reason };
  const of = slack.summary.per_theorem[id];
  if (of === undefined) return null;
  if (of.cases === 0) return { kind: 'none', reason: whyNot(id, slack) };
  return { kind: 'measured', of, share: of.largest_used, violated: of.violated > 0 };
}

// The layers' reasons, each once.
function whyNot(id: string, slack: Slack): string {
  const reasons = Object.values(slack.not_applicable).map((layer) => layer[id]);
  const given = [...new Set(reasons.filter((reason) => reason !== undefined))];
  return given.length > 0 ? given.join('; ') : 'no case was found';
}

export function ringLabel(found: Extract<SlackOf, { kind: 'measured' }>): string {
  if (found.violated) return `${found.of.violated} of ${found.of.cases} cases violated`;
  if (found.share === null) return 'holds exactly';
  return `uses up to ${percent(found.share)} of its slack`;
}

export function percent(share: number): string {
  const value = 100 * share;
  return `${value >= 99.95 && value < 100 ? '>99.9' : Number(value.toPrecision(3))} %`;
}
