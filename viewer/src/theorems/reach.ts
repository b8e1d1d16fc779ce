// Walks over the dependency graph.
import type { Entry, GraphNode } from './data';

// Everything an entry depends on, directly or not, and everything that depends on it; itself included.
export function related(id: string, entryOf: ReadonlyMap<string, Entry>): Set<string> {
  const walk = (links: 'depends_on' | 'used_by') => {
    const seen = new Set([id]); // grows while it is walked
    for (const at of seen) for (const other of entryOf.get(at)?.[links] ?? []) seen.add(other);
    return seen;
  };
  return new Set([...walk('depends_on'), ...walk('used_by')]);
}

export type Direction = 'left' | 'right' | 'up' | 'down';

// The nearest node in a direction; sideways distance counts double.
export function neighbour(
  nodes: readonly GraphNode[],
  from: GraphNode,
  direction: Direction,
): GraphNode | null {
  const cost = (node: GraphNode): number => {
    const [dx, dy] = [node.x - from.x, node.y - from.y];
    const along = { left: -dx, right: dx, up: -dy, down: dy }[direction];
    const across = direction === 'left' || direction === 'right' ? dy : dx;
    return along > 1 ? along + 2 * Math.abs(across) : Infinity;
  };
  return nodes.reduce<GraphNode | null>((best, node) => {
    const price = cost(node);
    return price < (best === null ? Infinity : cost(best)) ? node : best;
  }, null);
}
