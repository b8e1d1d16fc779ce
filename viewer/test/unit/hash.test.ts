import { describe, expect, it } from 'vitest';
import { formatHash, kStart, parseHash, type Place } from '../../src/theorems/hash';

describe('the address', () => {
  it('names an entry, a family or a widget', () => {
    expect(parseHash('#DC-3')).toEqual({ ...kStart, target: 'DC-3' });
    expect(parseHash('#DC').target).toBe('DC');
    expect(parseHash('#try-turn')).toEqual({ ...kStart, target: 'try-turn', view: 'try' });
  });

  it('goes through text and back unchanged', () => {
    const place: Place = {
      target: 'KR-2',
      view: 'graph',
      families: ['KR', 'DC'],
      statuses: ['proven', 'stub'],
      verdicts: ['false'],
      checks: ['not_run'],
      experiment: 'expert_load',
      text: 'a&b=c #d "e" %20 √',
    };
    expect(parseHash(formatHash(place))).toEqual(place);
    expect(parseHash(formatHash(kStart))).toEqual(kStart);
    expect(formatHash(kStart)).toBe('');
  });

  it('drops what it does not know', () => {
    const hash =
      '#<img>?view=code&family=DC,<b>,dc&status=proven,great&verdict=&check=no&experiment=A B&other=1';
    expect(parseHash(hash)).toEqual({ ...kStart, families: ['DC'], statuses: ['proven'] });
  });

  it('keeps the order of the choices fixed, whatever the order in the address', () => {
    expect(formatHash(parseHash('#?verdict=new,false&status=stub,proven'))).toBe(
      '#?status=proven,stub&verdict=false,new',
    );
  });
});
