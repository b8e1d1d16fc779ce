// Lays out the dependency graph with Graphviz's dot: a box per family, the entries that an entry
// depends on to its left. Lengths are SVG pixels.
import { instance } from '@viz-js/viz';
import type { Graph, GraphBox, GraphEdge, GraphNode } from '../src/theorems/data';

export interface Linked {
  id: string;
  family: string;
  depends_on: string[];
}

const kNodeWidth = 168;
const kNodeHeight = 46;
const kPointsPerInch = 72;

interface DotObject {
  name: string;
  pos?: string; // "x,y" in points, y upwards
  bb?: string; // "left,bottom,right,top"
}
interface DotEdge {
  tail: number;
  head: number;
  pos: string; // "e,x,y x,y ...": the arrow's tip, then a cubic spline
}
interface DotOutput {
  bb: string;
  objects: DotObject[];
  edges?: DotEdge[];
}

function dotSource(entries: Linked[]): string {
  const families = [...new Set(entries.map(({ family }) => family))];
  const size = `width=${kNodeWidth / kPointsPerInch}, height=${kNodeHeight / kPointsPerInch}`;
  const lines = [
    'digraph theorems {',
    `graph [rankdir=LR, nodesep=0.2, ranksep=0.55]`,
    `node [shape=box, fixedsize=true, ${size}, label=""]`,
  ];
  for (const family of families) {
    lines.push(`subgraph "cluster_${family}" { margin=12; label=" "; fontsize=12;`);
    for (const entry of entries) if (entry.family === family) lines.push(`"${entry.id}";`);
    lines.push('}');
  }
  for (const { id, depends_on } of entries) {
    for (const other of depends_on) lines.push(`"${other}" -> "${id}";`);
  }
  return [...lines, '}'].join('\n');
}

function numbers(text: string): number[] {
  return text.split(/[ ,]/).map(Number).filter(Number.isFinite);
}

function splinePath(pos: string, height: number): string {
  const tip = /^e,([-\d.e]+),([-\d.e]+) /.exec(pos);
  const flat = numbers(tip ? pos.slice(tip[0].length) : pos);
  const point = (at: number) => `${flat[at]!.toFixed(1)} ${(height - flat[at + 1]!).toFixed(1)}`;
  let path = `M${point(0)}`;
  for (let at = 2; at + 5 < flat.length; at += 6)
    path += `C${point(at)} ${point(at + 2)} ${point(at + 4)}`;
  return tip
    ? `${path}L${Number(tip[1]).toFixed(1)} ${(height - Number(tip[2])).toFixed(1)}`
    : path;
}

export async function layOut(entries: Linked[]): Promise<Graph> {
  const viz = await instance();
  const output = viz.renderJSON(dotSource(entries)) as DotOutput;
  const [, , width = 0, height = 0] = numbers(output.bb);
  const nodes: GraphNode[] = [];
  const boxes: GraphBox[] = [];
  for (const { name, pos, bb } of output.objects) {
    if (bb !== undefined) {
      const [left = 0, bottom = 0, right = 0, top = 0] = numbers(bb);
      const family = name.replace(/^cluster_/, '');
      boxes.push({ family, x: left, y: height - top, width: right - left, height: top - bottom });
    } else if (pos !== undefined) {
      const [x = 0, y = 0] = numbers(pos);
      nodes.push({ id: name, x, y: height - y });
    }
  }
  const edges: GraphEdge[] = (output.edges ?? []).map(({ tail, head, pos }) => ({
    from: output.objects[tail]!.name,
    to: output.objects[head]!.name,
    path: splinePath(pos, height),
  }));
  return { width, height, node_width: kNodeWidth, node_height: kNodeHeight, nodes, edges, boxes };
}
