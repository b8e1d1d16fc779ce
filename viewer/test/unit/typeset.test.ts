import { describe, expect, it } from 'vitest';
import { split, Typesetter } from '../../build/typeset';
import { inParts } from '../../src/theorems/parts';

describe('split', () => {
  it('tells text from inline and displayed formulas', () => {
    expect(split('Let $x>0$. Then $$x^2>0,$$ as <b>said</b>.')).toEqual([
      { kind: 'text', value: 'Let ' },
      { kind: 'inline', value: 'x>0' },
      { kind: 'text', value: '. Then ' },
      { kind: 'block', value: 'x^2>0,' },
      { kind: 'text', value: ', as <b>said</b>.'.slice(1) },
    ]);
  });

  it('keeps neighbours apart', () => {
    expect(split('$a$$b$').map(({ value }) => value)).toEqual(['a', 'b']);
    expect(split('')).toEqual([]);
  });

  it('refuses what is not closed or empty', () => {
    expect(() => split('a $x')).toThrow('"$" is not closed');
    expect(() => split('a $$x$')).toThrow('"$$" is not closed');
    expect(() => split('a $ $ b')).toThrow('empty formula');
  });
});

describe('Typesetter', () => {
  it('sets each formula once and in MathML', () => {
    const setter = new Typesetter();
    const text = setter.text(
      'X',
      '$k\\in\\mathbf R^d$ and $k\\in\\mathbf R^d$; $$k\\in\\mathbf R^d$$',
    );
    expect(text).toEqual([
      { formula: 0 },
      ' and ',
      { formula: 0 },
      '; ',
      { formula: 1, block: true },
    ]);
    expect(setter.formulas).toHaveLength(2);
    expect(setter.formulas[0]!.mathml).toMatch(/^<math[\s\S]*𝐑[\s\S]*<\/math>$/);
  });

  it('names the place of a formula it cannot set', () => {
    const setter = new Typesetter();
    for (const tex of ['\\frac{a', '\\nosuchthing', 'a}b', '\\left(a']) {
      expect(() => setter.text('KR-2: statement', `x $${tex}$`)).toThrow(/^KR-2: statement: /);
    }
  });

  it('lets no markup through a formula', () => {
    const setter = new Typesetter();
    setter.text('X', '$\\text{<img src=x onerror=1>}$');
    expect(setter.formulas[0]!.mathml).not.toContain('<img');
    expect(() => setter.text('X', '$\\href{javascript:alert(1)}{x}$')).toThrow();
  });
});

describe('inParts', () => {
  const shown = (text: Parameters<typeof inParts>[0]) =>
    inParts(text).map((part) =>
      part.map((piece) => (typeof piece === 'string' ? piece : `#${piece.formula}`)).join(''),
    );

  it('cuts before each part', () => {
    expect(
      shown([
        '(a) One. (b) Two, as in (a); (c) three ',
        { formula: 1 },
        '. (d) ',
        { formula: 2, block: true },
      ]),
    ).toEqual(['(a) One. ', '(b) Two, as in (a); ', '(c) three #1. ', '(d) #2']);
    expect(shown(['(i) x: ', { formula: 0, block: true }, '(ii) y.'])).toEqual([
      '(i) x: #0',
      '(ii) y.',
    ]);
  });

  it('leaves references and single statements whole', () => {
    expect(shown(['(a) One, unlike (b) below. (b) Two.'])).toEqual([
      '(a) One, unlike (b) below. (b) Two.',
    ]);
    expect(shown(['One. (b) Two.'])).toEqual(['One. (b) Two.']);
    expect(shown([{ formula: 0 }, '(a) x'])).toEqual(['#0(a) x']);
    expect(shown([])).toEqual(['']);
  });
});
