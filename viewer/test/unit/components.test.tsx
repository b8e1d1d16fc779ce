import { render } from 'preact-render-to-string';
import { describe, expect, it } from 'vitest';
import { Chip } from '../../src/components/Chip';
import { DataTable } from '../../src/components/DataTable';
import { fixed, shown } from '../../src/components/numbers';
import { ticks } from '../../src/components/Plot';
import { Formulas, plain, RichText, runs } from '../../src/components/RichText';
import { kHostile } from '../fixture';

const formulas = [{ tex: 'x<y', mathml: '<math><mi>x</mi></math>' }];

describe('texts', () => {
  it('show strings as text and formulas as MathML', () => {
    const html = render(
      <Formulas.Provider value={formulas}>
        <RichText text={[kHostile, { formula: 0 }, { formula: 9 }]} />
      </Formulas.Provider>,
    );
    expect(html).not.toMatch(/<(img|svg|script|!--)/);
    expect(html).toContain('&lt;img');
    expect(html).toContain('<math><mi>x</mi></math>');
    expect(plain(['a ', { formula: 0 }], formulas)).toBe('a x<y');
  });

  it('keep punctuation with the formula it touches', () => {
    const shown = (text: Parameters<typeof runs>[0]) =>
      runs(text).map(({ text: before, opening, formula, closing }) => [
        before,
        opening,
        formula,
        closing,
      ]);
    expect(shown(['a (', { formula: 0 }, '), b ', { formula: 1 }, '.'])).toEqual([
      ['a ', '(', 0, '),'],
      [' b ', '', 1, '.'],
    ]);
    expect(shown([{ formula: 0 }, '-th; ', { formula: 1, block: true }, '. c'])).toEqual([
      ['', '', 0, '-'],
      ['th; ', '', 1, ''],
      ['. c', '', null, ''],
    ]);
    expect(shown([{ formula: 0 }, { formula: 1 }])).toEqual([
      ['', '', 0, ''],
      ['', '', 1, ''],
    ]);
    expect(shown([])).toEqual([]);
  });

  it('stay text in chips and tables', () => {
    const html = render(
      <>
        <Chip tone="good" title={kHostile}>
          {kHostile}
        </Chip>
        <DataTable
          caption={kHostile}
          rows={[1]}
          columns={[{ head: kHostile, cell: () => kHostile }]}
        />
      </>,
    );
    expect(html).not.toMatch(/<(img|svg|script|!--)/);
  });
});

describe('numbers', () => {
  it('are short, and honest about what is no number', () => {
    expect(
      [0.966, 1e-12, -3.14159e-16, 0.000123456789, 12345678, 1 / 3, 0, 89].map((x) => shown(x)),
    ).toEqual([
      '0.966',
      '1·10⁻¹²',
      '−3.142·10⁻¹⁶',
      '0.000123457',
      '1.235·10⁷',
      '0.333333',
      '0',
      '89',
    ]);
    expect([null, NaN, Infinity, -Infinity].map(shown)).toEqual([
      'not a number',
      'not a number',
      '∞',
      '−∞',
    ]);
    expect(fixed(-0.5, 2)).toBe('−0.50');
  });

  it('are at round values of an axis', () => {
    expect(ticks({ from: 0, to: 90 }, 6)).toEqual([0, 20, 40, 60, 80]);
    expect(ticks({ from: 0.5, to: 1.02 }, 4)).toEqual([0.6, 0.8, 1]);
    expect(ticks({ from: 0, to: 0.09 }, 4)).toEqual([0, 0.05]);
  });
});
