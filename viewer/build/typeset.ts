// Texts of the catalogue to pieces: plain strings, and formulas typeset to MathML once each.
// "$...$" is inline TeX, "$$...$$" displayed TeX, nothing else is markup; a text with an odd dollar
// sign or TeX that Temml refuses is an error that names the place.
import temml from 'temml';
import type { Formula, Text } from '../src/theorems/data';

const kUnbroken = 48; // letters of TeX that fit on a line of a narrow screen

export interface Part {
  kind: 'text' | 'inline' | 'block';
  value: string;
}

export function split(text: string): Part[] {
  const parts: Part[] = [];
  let at = 0;
  while (at < text.length) {
    const open = text.indexOf('$', at);
    if (open < 0) {
      parts.push({ kind: 'text', value: text.slice(at) });
      break;
    }
    if (open > at) parts.push({ kind: 'text', value: text.slice(at, open) });
    const fence = text.startsWith('$$', open) ? '$$' : '$';
    const close = text.indexOf(fence, open + fence.length);
    if (close < 0) throw new Error(`"${fence}" is not closed in: ${text}`);
    const value = text.slice(open + fence.length, close).trim();
    if (value === '') throw new Error(`an empty formula in: ${text}`);
    parts.push({ kind: fence === '$$' ? 'block' : 'inline', value });
    at = close + fence.length;
  }
  return parts;
}

export class Typesetter {
  readonly formulas: Formula[] = [];
  private readonly known = new Map<string, number>();

  // where: what to name in an error, "GI-1: statement".
  text(where: string, source: string): Text {
    try {
      return split(source).map((part) => {
        if (part.kind === 'text') return part.value;
        const block = part.kind === 'block';
        const formula = this.formula(part.value, block);
        return block ? { formula, block } : { formula };
      });
    } catch (error) {
      throw new Error(`${where}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }

  private formula(tex: string, block: boolean): number {
    const key = `${block ? '$$' : '$'}${tex}`;
    const seen = this.known.get(key);
    if (seen !== undefined) return seen;
    // Breaking costs the space around the signs where a line may break, so only formulas that need it do.
    const wrap = !block && tex.length > kUnbroken ? 'tex' : 'none';
    const mathml = temml.renderToString(tex, {
      displayMode: block,
      wrap,
      throwOnError: true,
      trust: false,
    });
    this.formulas.push({ tex, mathml });
    this.known.set(key, this.formulas.length - 1);
    return this.formulas.length - 1;
  }
}
