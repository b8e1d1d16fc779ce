import { describe, expect, it } from 'vitest';
import type { Entry, GraphNode } from '../../src/theorems/data';
import { neighbour, related } from '../../src/theorems/reach';

const entry = (id: string, depends_on: string[], used_by: string[]) =>
  [id, { id, depends_on, used_by } as unknown as Entry] as const;

describe('the dependency graph', () => {
  it('relates an entry to all it depends on and all that depend on it, not to its siblings', () => {
    const entries = new Map([
      entry('A', [], ['B', 'C']),
      entry('B', ['A'], ['D']),
      entry('C', ['A'], []),
      entry('D', ['B'], []),
    ]);
    expect([...related('B', entries)].sort()).toEqual(['A', 'B', 'D']);
    expect([...related('A', entries)].sort()).toEqual(['A', 'B', 'C', 'D']);
  });

  it('survives a circle', () => {
    expect(related('A', new Map([entry('A', ['B'], ['B']), entry('B', ['A'], ['A'])])).size).toBe(
      2,
    );
  });

  it('steps to the nearest node on a side', () => {
    const [a, b, c, d] = [
      { id: 'a', x: 0, y: 0 },
      { id: 'b', x: 100, y: 10 },
      { id: 'c', x: 90, y: 80 },
      { id: 'd', x: 0, y: 50 },
    ] as const;
    const nodes: GraphNode[] = [a, b, c, d];
    expect(neighbour(nodes, a, 'right')).toBe(b);
    expect(neighbour(nodes, a, 'down')).toBe(d);
    expect(neighbour(nodes, d, 'up')).toBe(a);
    expect(neighbour(nodes, b, 'left')).toBe(a);
    expect(neighbour(nodes, a, 'left')).toBeNull();
  });
});
