import { beforeAll, describe, expect, it } from 'vitest';
import { pageData } from '../../build/page_data';
import type { PageData } from '../../src/theorems/data';
import { checkResult, isFiltered, matches, shownEntries } from '../../src/theorems/filter';
import { kStart, type Place } from '../../src/theorems/hash';
import { checks, families, statuses } from '../fixture';

let data: PageData;
beforeAll(async () => {
  data = await pageData({ families: families(), statuses: statuses() });
});
const ids = (change: Partial<Place>, run = checks()) =>
  shownEntries(data.entries, { ...kStart, ...change }, run).map(({ id }) => id);

describe('filters', () => {
  it('show everything at the start', () => {
    expect(ids({})).toEqual(['GI-1', 'GI-2', 'DC-3', 'DC-4', 'GS-1']);
    expect(isFiltered(kStart)).toBe(false);
  });

  it('take any choice within a group', () => {
    expect(ids({ families: ['GI', 'GS'] })).toEqual(['GI-1', 'GI-2', 'GS-1']);
    expect(ids({ statuses: ['deferred', 'stub'] })).toEqual(['GI-2', 'DC-4']);
    expect(ids({ verdicts: ['true', 'false'] })).toEqual(['GI-1', 'DC-3']);
  });

  it('need all groups to be met', () => {
    expect(ids({ families: ['DC'], verdicts: ['new'] })).toEqual(['DC-4']);
    expect(ids({ families: ['DC'], verdicts: ['true'] })).toEqual([]);
  });

  it('know the weakest part of an entry', () => {
    expect(data.entries.map(({ status }) => status)).toEqual([
      'proven',
      'deferred',
      'informal',
      'stub',
      'informal',
    ]);
    expect(ids({ statuses: ['proven'] })).toEqual(['GI-1']);
  });

  it('go by the result of the check', () => {
    expect(ids({ checks: ['holds'] })).toEqual(['GI-1', 'DC-3']);
    expect(ids({ checks: ['fails'] })).toEqual(['DC-4']);
    expect(ids({ checks: ['not_run'] })).toEqual(['GI-2']);
    expect(ids({ checks: ['none'] })).toEqual(['GS-1']);
  });

  it('call every check not run where the page holds no numbers', () => {
    expect(data.entries.map((entry) => checkResult(entry, null))).toEqual([
      'not_run',
      'not_run',
      'not_run',
      'not_run',
      'none',
    ]);
  });

  it('find words in every text, formulas and names of theorems included, in any case', () => {
    expect(ids({ text: 'THREE points' })).toEqual(['DC-3']);
    expect(ids({ text: 'gi_2_only' })).toEqual(['GI-2']);
    expect(ids({ text: 'sig_forall_dec' })).toEqual(['GI-1']);
    expect(ids({ text: '\\sqrt page' })).toEqual(['GI-1', 'GI-2', 'DC-3']);
    expect(ids({ text: '  ' })).toHaveLength(5);
  });

  it('find the entries that concern an experiment', () => {
    expect(ids({ experiment: 'terminal_ovk_scan' })).toEqual(['DC-3']);
    expect(ids({ experiment: 'terminal' })).toEqual([]);
  });

  it('leave a group out for counting its choices', () => {
    const place: Place = { ...kStart, families: ['GI'], verdicts: ['false'] };
    const entry = data.entries.find(({ id }) => id === 'DC-3')!;
    expect(matches(entry, place, null)).toBe(false);
    expect(matches(entry, place, null, 'families')).toBe(true);
    expect(matches(entry, place, null, 'verdicts')).toBe(false);
  });
});
