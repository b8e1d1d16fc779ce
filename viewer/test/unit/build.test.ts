import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readSources } from '../../build/catalogue';
import { pageData, weakest } from '../../build/page_data';
import { scriptJson } from '../../build/plugin';
import { families, hostile, kHostile, statuses, writeRoot } from '../fixture';

const kSchemas = resolve(process.env.ROUTEGAUGE_ROOT ?? '..', 'schema');
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'viewer-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Change = (all: ReturnType<typeof families>, status: ReturnType<typeof statuses>) => void;
function read(change: Change) {
  const [all, status] = [families(), statuses()];
  change(all, status);
  return readSources(writeRoot(folder, kSchemas, all, status));
}

describe('reading the catalogue', () => {
  it('puts the families in their order', () => {
    const { families: read } = readSources(
      writeRoot(folder, kSchemas, families().reverse(), statuses()),
    );
    expect(read.map(({ family }) => family.id)).toEqual(['GI', 'DC', 'GS']);
  });

  it('says what is missing or no JSON', () => {
    writeRoot(folder, kSchemas, families(), null);
    expect(() => readSources(folder)).toThrow(/theorem_status\.json: no such file/);
    writeFileSync(join(folder, 'proofs', 'theorem_status.json'), '{');
    expect(() => readSources(folder)).toThrow(/theorem_status\.json: not JSON/);
  });

  it('holds both files to their schemas', () => {
    expect(() =>
      read((_, status) => Object.assign(status.theorems[0]!, { status: 'great' })),
    ).toThrow(/theorem_status\.json: \/theorems\/0\/status must be equal to one of/);
    expect(() => read((all) => Object.assign(all[1]!.entries[0]!, { sentence: '' }))).toThrow(
      /DC\.json: \/entries\/0\/sentence/,
    );
    expect(() => read((all) => Object.assign(all[0]!.entries[0]!, { more: 1 }))).toThrow(
      /GI\.json: \/entries\/0/,
    );
  });

  it('follows every reference', () => {
    expect(() => read((all) => all[0]!.entries[0]!.depends_on.push('XX-9'))).toThrow(
      'GI-1: depends on XX-9',
    );
    expect(() => read((_, status) => status.theorems.splice(0, 1))).toThrow(
      'GI-1: proofs/theorem_status.json has no row for GI_1_a_scores',
    );
    expect(() =>
      read((_, status) => Object.assign(status.theorems[6]!, { entry: 'GS-2' })),
    ).toThrow('GS-1: a proof status of an entry');
    expect(() => read((all) => Object.assign(all[0]!.entries[1]!, { id: 'GI-1' }))).toThrow(
      'GI-1: two entries',
    );
    expect(() => read((all) => Object.assign(all[0]!.entries[1]!, { id: 'DC-9' }))).toThrow(
      'DC-9: is listed in family GI',
    );
  });
});

describe('the data of the page', () => {
  it('names the entry of a formula that cannot be set', async () => {
    const sources = read((all) =>
      Object.assign(all[1]!.entries[1]!, { proof_idea: 'By $\\frac{1$.' }),
    );
    await expect(pageData(sources)).rejects.toThrow(/^DC-4: proof_idea: /);
  });

  it('links entries both ways and takes the weakest status', async () => {
    const { entries } = await pageData(read(() => undefined));
    const links = Object.fromEntries(
      entries.map(({ id, depends_on, used_by }) => [id, [depends_on, used_by]]),
    );
    expect(links).toEqual({
      'GI-1': [[], ['GI-2', 'DC-4']],
      'GI-2': [['GI-1'], ['DC-3', 'GS-1']],
      'DC-3': [['GI-2'], ['DC-4']],
      'DC-4': [['DC-3', 'GI-1'], []],
      'GS-1': [['GI-2'], []],
    });
    expect(weakest(['proven', 'deferred'])).toBe('deferred');
    expect(weakest(['informal', 'axiom', 'proven'])).toBe('axiom');
    expect(weakest(['axiom', 'stub'])).toBe('stub');
    expect(weakest([])).toBe('informal');
  });

  it('says which bounds are loose', async () => {
    const { entries, formulas } = await pageData(read(() => undefined));
    const loose = Object.fromEntries(entries.map(({ id, check }) => [id, check?.loose]));
    expect(loose).toMatchObject({ 'GI-1': null, 'DC-4': { quantity: 'best beta', share: 0.9 } });
    expect(loose['GI-2']?.why.filter((piece) => typeof piece !== 'string')).toHaveLength(1);
    expect(formulas.map(({ tex }) => tex)).toContain('k=0');
  });

  it('lays the graph out: an entry right of those it depends on, inside the box of its family', async () => {
    const { graph } = await pageData(read(() => undefined));
    expect(graph.nodes.map(({ id }) => id).sort()).toEqual([
      'DC-3',
      'DC-4',
      'GI-1',
      'GI-2',
      'GS-1',
    ]);
    expect(graph.edges).toHaveLength(5);
    const at = new Map(graph.nodes.map((node) => [node.id, node]));
    for (const { from, to, path } of graph.edges) {
      expect(at.get(from)!.x).toBeLessThan(at.get(to)!.x);
      expect(path).toMatch(/^M[-\d. ]+(C[-\d. ]+)+L[-\d. ]+$/);
    }
    for (const { family, x, y, width, height } of graph.boxes) {
      for (const node of graph.nodes.filter(({ id }) => id.startsWith(family))) {
        expect(node.x - graph.node_width / 2).toBeGreaterThanOrEqual(x);
        expect(node.x + graph.node_width / 2).toBeLessThanOrEqual(x + width);
        expect(node.y - graph.node_height / 2).toBeGreaterThanOrEqual(y);
        expect(node.y + graph.node_height / 2).toBeLessThanOrEqual(y + height);
      }
    }
  });

  it('cannot leave its script element', async () => {
    const sources = readSources(
      writeRoot(folder, kSchemas, hostile(families()), hostile(statuses())),
    );
    const data = await pageData(sources);
    const text = scriptJson(data);
    expect(text).not.toContain('<');
    expect(JSON.parse(text)).toEqual(data);
    expect(data.entries[0]!.title).toEqual([`Scores stay ${kHostile}`]);
    expect(data.formulas.map(({ mathml }) => mathml).join('')).not.toMatch(/<(img|svg|script)/);
  });
});
