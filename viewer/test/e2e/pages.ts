// Builds the pages that the end-to-end tests open: of the small catalogue, with and without numbers, of the
// hostile one; and names the page of the real catalogue.
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { checks, families, hostile, slack, statuses, writeRoot } from '../fixture';

export interface Pages {
  plain: string; // no checks in it
  checked: string;
  slack: string; // checked, and with shares of slack
  hostile: string;
  real: string;
  realChecks: string; // what `routegauge theorems check --json` printed; empty: the program is not built
  programPage: string; // what `routegauge theorems page` wrote; empty: not built, or built without the page
}

declare module 'vitest' {
  export interface ProvidedContext {
    pages: Pages;
  }
}

const kRoot = resolve(process.env.ROUTEGAUGE_ROOT ?? '..');
const kNamed = process.env.ROUTEGAUGE_PROGRAM; // then it has to be there, with the page in it
const kProgram = kNamed ?? join(kRoot, 'build/release/bin/routegauge');
const slotOf = (id: string) => `<script id="${id}" type="application/json">null</script>`;

// What `routegauge theorems page` does.
function filled(page: string, id: string, json: string): string {
  const html = readFileSync(page, 'utf8');
  const slot = slotOf(id);
  if (html.split(slot).length !== 2)
    throw new Error(`${page}: not exactly one place for the ${id}`);
  const file = page.replace(/\.html$/, `-${id}.html`);
  writeFileSync(
    file,
    html.replace(slot, () => slot.replace('null', () => json.replace(/</g, '\\u003c'))),
  );
  return file;
}

async function buildPage(root: string, name: string): Promise<string> {
  const out = join(root, 'out');
  Object.assign(process.env, { ROUTEGAUGE_ROOT: root, ROUTEGAUGE_OUT: out });
  await build({ configFile: 'vite.config.ts', logLevel: 'error' });
  const file = join(root, `${name}.html`);
  copyFileSync(join(out, 'theorems.html'), file);
  return file;
}

const kBuiltWithoutPage = 4; // the program's exit code

// A check that fails (code 1) is the affair of the program's own tests; the page shows it.
function askProgram(folder: string): Pick<Pages, 'realChecks' | 'programPage'> {
  if (!existsSync(kProgram)) {
    if (kNamed !== undefined) throw new Error(`${kNamed}: no such program`);
    console.log(`e2e: no program at ${kProgram}; the widgets are not compared with its checks`);
    return { realChecks: '', programPage: '' };
  }
  const run = (...options: string[]) => {
    const { status, stdout, stderr, error } = spawnSync(kProgram, ['theorems', ...options], {
      encoding: 'utf8',
      maxBuffer: 1 << 28,
    });
    if (status !== 0 && status !== 1 && status !== kBuiltWithoutPage) {
      throw new Error(`${kProgram} theorems ${options.join(' ')}: ${error?.message ?? stderr}`);
    }
    return { status, stdout, stderr };
  };
  const file = join(folder, 'program.html');
  const page = run('page', '-o', file);
  if (page.status === kBuiltWithoutPage) {
    if (kNamed !== undefined)
      throw new Error(`${kNamed} was built without the page: ${page.stderr}`);
    console.log(`e2e: ${kProgram} was built without the page`);
  }
  return { realChecks: run('check', '--json').stdout, programPage: existsSync(file) ? file : '' };
}

export default async function setup(project: TestProject) {
  const { ROUTEGAUGE_ROOT, ROUTEGAUGE_OUT } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'viewer-e2e-'));
  const schemas = join(kRoot, 'schema');
  const plain = await buildPage(
    writeRoot(join(folder, 'plain'), schemas, families(), statuses()),
    'plain',
  );
  const bad = await buildPage(
    writeRoot(join(folder, 'hostile'), schemas, hostile(families()), hostile(statuses())),
    'hostile',
  );
  Object.assign(process.env, { ROUTEGAUGE_ROOT, ROUTEGAUGE_OUT });
  const real = resolve(ROUTEGAUGE_OUT ?? 'dist', 'theorems.html');
  if (!existsSync(real)) throw new Error(`${real}: no such page; make viewer builds it`);
  const checked = filled(plain, 'checks', JSON.stringify(checks()));
  project.provide('pages', {
    plain,
    checked,
    slack: filled(checked, 'slack', JSON.stringify(slack())),
    hostile: filled(
      filled(bad, 'checks', JSON.stringify(hostile(checks()))),
      'slack',
      JSON.stringify(hostile(slack())),
    ),
    real,
    ...askProgram(folder),
  });
  return () => rmSync(folder, { recursive: true });
}
