// A statement of several parts, "(a) ... (b) ...", cut before each part. Only the next letter or roman
// numeral at the start or after the end of a clause counts, so that "as in (b)" cuts nothing.
import type { Text } from './data';

const kSeries = [
  ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'],
  ['i', 'ii', 'iii', 'iv', 'v', 'vi'],
] as const;

export function inParts(text: Text): Text[] {
  const first = typeof text[0] === 'string' ? /^\((a|i)\) /.exec(text[0])?.[1] : undefined;
  const series = kSeries.find(([one]) => one === first);
  if (series === undefined) return [text];
  const parts: Text[] = [[]];
  let clauseEnded = true; // before the piece at hand
  for (const piece of text) {
    if (typeof piece !== 'string') {
      parts[parts.length - 1]!.push(piece);
      clauseEnded = piece.block === true;
      continue;
    }
    let rest = piece;
    for (;;) {
      const next = `(${series[parts.length]}) `;
      const at = rest.indexOf(next);
      const before = rest.slice(0, Math.max(at, 0)).trimEnd();
      if (at < 0 || !(before === '' ? clauseEnded : /[.;:]$/.test(before))) break;
      if (before !== '') parts[parts.length - 1]!.push(`${before} `);
      parts.push([]);
      parts[parts.length - 1]!.push(next);
      rest = rest.slice(at + next.length);
      clauseEnded = false;
    }
    if (rest !== '') parts[parts.length - 1]!.push(rest);
    clauseEnded = /[.;:]\s*$/.test(rest);
  }
  return parts;
}
