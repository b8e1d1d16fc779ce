// What the page holds: the catalogue joined with the proof statuses, formulas typeset, made at build
// time by build/page_data.ts. The checks are put in later, by `routegauge theorems page`.
import type { ChecksFile } from '../generated/theorem_checks';
import type { SlackFile } from '../generated/theorem_slack';

export const kStatuses = ['proven', 'deferred', 'informal', 'axiom', 'stub'] as const;
export const kVerdicts = ['true', 'repaired', 'false', 'new'] as const;
export const kCheckResults = ['holds', 'fails', 'not_run', 'none'] as const;
export type Status = (typeof kStatuses)[number];
export type Verdict = (typeof kVerdicts)[number];
export type CheckResult = (typeof kCheckResults)[number];

export interface Formula {
  tex: string;
  mathml: string; // one <math> element
}
export type Piece = string | { formula: number; block?: true | false }; // formula: index into formulas
export type Text = Piece[];

export interface Family {
  id: string;
  name: Text;
  explanation: Text[];
}

export interface Claim {
  claim: Text | null; // null: nothing published says it
  source: Text | null;
  verdict: Verdict;
  why: Text;
}

export interface FormalStatement {
  id: string; // "KR-6.a"
  status: Status;
  name: string | null;
  file: string | null; // below proofs/
  line: number | null;
  statement: string | null; // Coq
  assumptions: string[];
}

// The bound is not known to be attained; the finding named so measures how near the nearest case is.
export interface Looseness {
  why: Text;
  quantity: string;
  share: number; // of the bound, above 0 and below 1
}

export interface Entry {
  id: string; // "KR-6"
  family: string;
  title: Text;
  sentence: Text;
  hypotheses: Text[];
  statement: Text;
  claims: Claim[];
  proof_idea: Text;
  formal: FormalStatement[];
  difference: Text | null; // of the formal statements from `statement`
  gap: Text | null; // what of `statement` is not formal
  status: Status; // the weakest of the formal statements'
  check: { kind: string; computes: Text; tolerance: Text; loose: Looseness | null } | null;
  experiments: { experiment: string; fields: string[] }[];
  depends_on: string[];
  used_by: string[];
  search: string; // all its words, lower case
}

export interface GraphNode {
  id: string;
  x: number; // centre
  y: number;
}
export interface GraphEdge {
  from: string; // the entry depended on
  to: string;
  path: string; // SVG
}
export interface GraphBox {
  family: string;
  x: number;
  y: number;
  width: number;
  height: number;
}
export interface Graph {
  width: number;
  height: number;
  node_width: number;
  node_height: number;
  nodes: GraphNode[];
  edges: GraphEdge[];
  boxes: GraphBox[];
}

export interface PageData {
  formulas: Formula[];
  families: Family[];
  entries: Entry[];
  graph: Graph;
  proof_sources_sha256: string;
}

export type Checks = ChecksFile;
export type CheckOfEntry = ChecksFile['checks'][number];
// Of an artifact of theorem_slack, without its cases.
export type Slack = Pick<
  SlackFile,
  | 'model'
  | 'domain'
  | 'theorems'
  | 'no_check'
  | 'not_applicable'
  | 'program_version'
  | 'body_sha256'
> & { schema_version: 1; summary: Omit<SlackFile['summary'], 'bootstrap'> };
