// A small catalogue with every status, verdict and kind of check, as files below a folder; and the same
// with markup in every text.
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FamilyFile } from '../src/generated/theorem_catalogue';
import type { ChecksFile } from '../src/generated/theorem_checks';
import type { StatusFile } from '../src/generated/theorem_status';
import type { Slack } from '../src/theorems/data';

type Entry = FamilyFile['entries'][number];
type Row = StatusFile['theorems'][number];

function entry(id: string, title: string, more: Partial<Entry>): Entry {
  return {
    id,
    title,
    sentence: `${title}, in a sentence with $x^2$.`,
    hypotheses: ['$d\\ge1$ is the dimension', 'nothing else'],
    statement: '$$\\frac{\\|k\\|_1}{\\sqrt d\\,\\|k\\|_2}\\le1.$$',
    claims: [{ verdict: 'new', why: 'Nobody has said it.' }],
    proof_idea: 'By Cauchy and Schwarz, $|x^\\top y|\\le\\|x\\|\\|y\\|$.',
    formal: { theorems: [], difference: null, gap: 'Not formal.' },
    check: null,
    experiments: [],
    depends_on: [],
    ...more,
  };
}

const kClaim = { claim: 'It always grows.', source: 'a page, section 2' };

export function families(): FamilyFile[] {
  return [
    {
      schema_version: 1,
      family: {
        id: 'GI',
        order: 1,
        name: 'Gauge invariance',
        explanation: ['Turning changes nothing.', 'Twice.'],
      },
      entries: [
        entry('GI-1', 'Scores stay', {
          claims: [{ ...kClaim, verdict: 'true', why: 'Exactly.' }],
          formal: { theorems: ['GI_1_a_scores', 'GI_1_b_more'], difference: null, gap: null },
          check: { kind: 'identity', computes: 'Both sides.', tolerance: '$10^{-12}$' },
          experiments: [{ experiment: 'expert_load', fields: ['counts'] }],
        }),
        entry('GI-2', 'Only rotations', {
          claims: [{ ...kClaim, verdict: 'repaired', why: 'With a hypothesis more.' }],
          formal: {
            theorems: ['GI_2_only'],
            difference: 'Finite sums instead of integrals over $[0,1]$.',
            gap: null,
          },
          depends_on: ['GI-1'],
          check: {
            kind: 'inequality',
            computes: 'One side.',
            tolerance: '$0$',
            loose: { why: 'Only $k=0$ comes near.', quantity: 'share at one key', share: 0.25 },
          },
        }),
      ],
    },
    {
      schema_version: 1,
      family: { id: 'DC', order: 5, name: 'Centring', explanation: ['Taking the mean away.'] },
      entries: [
        entry('DC-3', 'Centring can hurt', {
          claims: [
            { ...kClaim, verdict: 'false', why: 'Three points show it.' },
            {
              claim: 'Strictly so.',
              source: 'the same page',
              verdict: 'false',
              why: 'Two points show it.',
            },
          ],
          formal: { theorems: ['DC_3_a_points'], difference: null, gap: null },
          depends_on: ['GI-2'],
          check: { kind: 'counterexample', computes: 'The three suprema.', tolerance: '$10^{-5}$' },
          experiments: [{ experiment: 'terminal_ovk_scan', fields: ['centred.beta', 'raw.beta'] }],
        }),
        entry('DC-4', 'It reverses', {
          formal: { theorems: ['DC_4_reverses'], difference: null, gap: 'Strictness.' },
          depends_on: ['DC-3', 'GI-1'],
          check: {
            kind: 'simulation',
            computes: 'A sample.',
            tolerance: '4 standard errors',
            loose: { why: 'Nothing attains it.', quantity: 'best beta', share: 0.9 },
          },
        }),
      ],
    },
    {
      schema_version: 1,
      family: { id: 'GS', order: 13, name: 'Gauge search', explanation: ['Looking for the best.'] },
      entries: [
        entry('GS-1', 'ITQ climbs', {
          depends_on: ['GI-2'],
          formal: { theorems: [], difference: null, gap: 'Not formal.' },
        }),
      ],
    },
  ];
}

function row(
  id: string,
  status: Row['status'],
  name: string | null,
  assumptions: string[] = [],
): Row {
  const statement =
    name === null
      ? null
      : `Theorem ${name} (d : nat) :\n  (0 < d)%nat -> forall k : vector d, k <> 0 -> cosine k <= 1.`;
  return {
    id,
    entry: id.replace(/\..*/, ''),
    status,
    name,
    file: name === null ? null : 'GaugeInvariance.v',
    line: name === null ? null : 12,
    statement,
    assumptions,
  };
}

export function statuses(): StatusFile {
  return {
    schema_version: 1,
    sources_sha256: '0123456789abcdef'.repeat(4),
    theorems: [
      row('GI-1.a', 'proven', 'GI_1_a_scores'),
      row('GI-1.b', 'proven', 'GI_1_b_more', ['ClassicalDedekindReals.sig_forall_dec']),
      row('GI-2', 'deferred', 'GI_2_only', ['Haar_measure_statement']),
      row('DC-3.a', 'proven', 'DC_3_a_points'),
      row('DC-3.b', 'informal', null),
      row('DC-4', 'stub', 'DC_4_reverses', ['a_hole']),
      row('GS-1', 'informal', null),
    ],
  };
}

export function checks(): ChecksFile {
  const finding = {
    input: 'three points',
    quantity: 'best beta',
    value: 0.91666667,
    relation: '=' as const,
    bound: 11 / 12,
    tolerance: 1e-5,
    holds: true,
  };
  return {
    schema_version: 1,
    program_version: '0.0.0-test',
    seed: 7,
    checks: [
      {
        id: 'GI-1',
        holds: true,
        findings: [
          {
            ...finding,
            input: 'normal keys',
            quantity: 'max difference',
            value: 3.1e-16,
            relation: '<=',
            bound: 1e-12,
            tolerance: 0,
          },
        ],
      },
      { id: 'DC-3', holds: true, findings: [finding] },
      { id: 'DC-4', holds: false, findings: [finding, { ...finding, value: null, holds: false }] },
    ],
  };
}

const kEmpty = Array.from({ length: 20 }, () => 0);

// Of GI-1 and DC-4; GI-2 has no check on tensors, DC-3 doesn't apply anywhere.
export function slack(): Slack {
  const of = {
    layers: 2,
    cases: 12,
    skipped: 1,
    violated: 0,
    without_share: 2,
    histogram: [7, 2, ...kEmpty.slice(3), 1],
    largest_used: 0.96,
    tightest: { layer: 5, name: 'scores' },
  };
  const none = { ...of, layers: 0, cases: 0, skipped: 0, without_share: 0, histogram: kEmpty };
  return {
    schema_version: 1,
    model: { ckpt: 'small model', terminal_moe_layer: 5, moe_layers: [3, 5] },
    domain: 'prose',
    theorems: {},
    no_check: { 'GI-2': 'about matrices' },
    not_applicable: { 3: { 'DC-3': 'no RoPE' }, 5: { 'DC-3': 'no RoPE' } },
    summary: {
      per_theorem: {
        'GI-1': of,
        'DC-3': { ...none, largest_used: null, tightest: null },
        'DC-4': { ...of, violated: 3, histogram: [4, ...kEmpty.slice(1)], largest_used: 0.2 },
      },
      per_layer: {},
      verdict: { outcome: 'BROKEN', theorems: 2, cases: 24, violated: 3, broken: ['DC-4'] },
    },
    program_version: '0.0.0-test',
    body_sha256: 'fedcba9876543210'.repeat(4),
  };
}

export function writeRoot(
  folder: string,
  schemas: string,
  all: FamilyFile[],
  status: StatusFile | null,
): string {
  for (const name of ['theorems', 'proofs', 'schema'])
    mkdirSync(join(folder, name), { recursive: true });
  for (const name of ['catalogue', 'status', 'checks']) {
    cpSync(
      join(schemas, `theorem_${name}.schema.json`),
      join(folder, 'schema', `theorem_${name}.schema.json`),
    );
  }
  for (const file of all)
    writeFileSync(join(folder, 'theorems', `${file.family.id}.json`), JSON.stringify(file));
  if (status !== null)
    writeFileSync(join(folder, 'proofs', 'theorem_status.json'), JSON.stringify(status));
  return folder;
}

// Text that runs a script or breaks the page wherever it is taken for markup.
export const kHostile =
  `"'><img src=x onerror="window.hacked=1"><svg onload="window.hacked=1"></script><script>window.hacked=1</script><!--<script>` +
  `{{x}} &lt;b&gt; javascript:window.hacked=1`;

// Puts the hostile text behind every string that is free text.
export function hostile<T>(value: T, key = ''): T {
  const kFixed = [
    'id',
    'entry',
    'verdict',
    'status',
    'kind',
    'relation',
    'experiment',
    'sources_sha256',
  ];
  const kNames = ['theorems', 'depends_on'];
  const isCoqName = key === 'name' && typeof value === 'string' && /^[A-Z]{2}_/.test(value);
  if (typeof value === 'string')
    return (kFixed.includes(key) || isCoqName ? value : `${value} ${kHostile}`) as T;
  if (Array.isArray(value)) {
    const plain = kNames.includes(key) && value.every((one) => typeof one === 'string');
    return (plain ? value : value.map((one) => hostile(one, key))) as T;
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([name, one]) => [name, hostile(one, name)]),
    ) as T;
  }
  return value;
}
