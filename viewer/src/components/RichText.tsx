// Text with formulas. Strings become text nodes; only MathML made at build time is inserted as markup.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

export interface Formula {
  tex: string;
  mathml: string;
}
export type Piece = string | { formula: number; block?: boolean };

export const Formulas = createContext<readonly Formula[]>([]);

export interface Run {
  text: string; // before the formula
  opening: string; // the end of that text that must not part from the formula: "("
  formula: number | null; // null: only text, the last run
  block: boolean;
  closing: string; // the text after it that must not part from it: "),"
}

const kOpening = /[([“]+$/;
const kClosing = /^[-–’”)\].,;:!?]+/;

// A formula within a line may break the line on both sides; this keeps punctuation that touches it with it.
export function runs(pieces: readonly Piece[]): Run[] {
  const all: Run[] = [];
  let text = '';
  for (const piece of pieces) {
    const last = all[all.length - 1];
    if (typeof piece === 'string') {
      const closing =
        text === '' && last !== undefined && !last.block ? (kClosing.exec(piece)?.[0] ?? '') : '';
      if (last !== undefined) last.closing += closing;
      text += piece.slice(closing.length);
    } else {
      const block = piece.block === true;
      const opening = block ? '' : (kOpening.exec(text)?.[0] ?? '');
      all.push({
        text: text.slice(0, text.length - opening.length),
        opening,
        formula: piece.formula,
        block,
        closing: '',
      });
      text = '';
    }
  }
  return text === ''
    ? all
    : [...all, { text, opening: '', formula: null, block: false, closing: '' }];
}

function Typeset({ formula, block }: { formula: Formula | undefined; block: boolean }) {
  if (formula === undefined) return null;
  return (
    <span
      class={block ? 'formula block' : 'formula'}
      title={formula.tex}
      dangerouslySetInnerHTML={{ __html: formula.mathml }}
    />
  );
}

export function RichText({ text }: { text: readonly Piece[] }) {
  const formulas = useContext(Formulas);
  return (
    <>
      {runs(text).map(({ text: before, opening, formula, block, closing }, index) => {
        if (formula === null) return before;
        const typeset = <Typeset key={index} formula={formulas[formula]} block={block} />;
        return [
          before,
          opening + closing === '' ? (
            typeset
          ) : (
            <span class="together">
              {opening}
              {typeset}
              {closing}
            </span>
          ),
        ];
      })}
    </>
  );
}

// The text as one string, formulas as their TeX: for titles and labels.
export function plain(text: readonly Piece[], formulas: readonly Formula[]): string {
  return text
    .map((piece) => (typeof piece === 'string' ? piece : (formulas[piece.formula]?.tex ?? '')))
    .join('');
}
