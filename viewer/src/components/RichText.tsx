// Text with formulas. Strings become text nodes; only MathML made at build time is inserted as markup.
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

export interface Formula {
  tex: string;
  mathml: string;
}
export type Piece = string | { formula: number; block?: boolean };

export const Formulas = createContext<readonly Formula[]>([]);

export function RichText({ text }: { text: readonly Piece[] }) {
  const formulas = useContext(Formulas);
  return (
    <>
      {text.map((piece, index) => {
        if (typeof piece === 'string') return piece;
        const formula = formulas[piece.formula];
        if (formula === undefined) return null;
        return (
          <span
            key={index}
            class={piece.block ? 'formula block' : 'formula'}
            title={formula.tex}
            dangerouslySetInnerHTML={{ __html: formula.mathml }}
          />
        );
      })}
    </>
  );
}

// The text as one string, formulas as their TeX: for titles and labels.
export function plain(text: readonly Piece[], formulas: readonly Formula[]): string {
  return text.map((piece) => (typeof piece === 'string' ? piece : (formulas[piece.formula]?.tex ?? ''))).join('');
}
