// Builds the pages that the end-to-end tests open: of the small catalogue, with and without numbers, of the
// hostile one; and names the page of the real catalogue.
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { build } from 'vite';
import type { TestProject } from 'vitest/node';
import { checks, families, hostile, statuses, writeRoot } from '../fixture';

export interface Pages {
  plain: string; // no checks in it
  checked: string;
  hostile: string;
  real: string;
  realChecks: string; // what `routegauge theorems check --json` printed; empty: the program is not built
}

declare module 'vitest' {
  export interface ProvidedContext {
    pages: Pages;
  }
}

const kRoot = resolve(process.env.ROUTEGAUGE_ROOT ?? '..');
const kProgram = process.env.ROUTEGAUGE_PROGRAM ?? join(kRoot, 'build/release/bin/routegauge');
const kSlot = '<script id="checks" type="application/json">null</script>';

// What `routegauge theorems page` does.
function withChecks(page: string, json: string): string {
  const html = readFileSync(page, 'utf8');
  if (html.split(kSlot).length !== 2) throw new Error(`${page}: not exactly one place for the checks`);
  const file = page.replace(/\.html$/, '-checked.html');
  writeFileSync(file, html.replace(kSlot, () => kSlot.replace('null', () => json.replace(/</g, '\\u003c'))));
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

function programChecks(): string {
  if (!existsSync(kProgram) || spawnSync(kProgram, ['theorems', 'list']).status !== 0) {
    console.log(`e2e: no program with theorems at ${kProgram}; the widgets are not compared with its checks`);
    return '';
  }
  // A check that fails ends with another code, and is the program's tests' affair.
  const { stdout } = spawnSync(kProgram, ['theorems', 'check', '--json'], { encoding: 'utf8', maxBuffer: 1 << 28 });
  return stdout;
}

export default async function setup(project: TestProject) {
  const { ROUTEGAUGE_ROOT, ROUTEGAUGE_OUT } = process.env;
  const folder = mkdtempSync(join(tmpdir(), 'viewer-e2e-'));
  const schemas = join(kRoot, 'schema');
  const plain = await buildPage(writeRoot(join(folder, 'plain'), schemas, families(), statuses()), 'plain');
  const bad = await buildPage(writeRoot(join(folder, 'hostile'), schemas, hostile(families()), hostile(statuses())), 'hostile');
  Object.assign(process.env, { ROUTEGAUGE_ROOT, ROUTEGAUGE_OUT });
  const real = resolve(ROUTEGAUGE_OUT ?? 'dist', 'theorems.html');
  if (!existsSync(real)) throw new Error(`${real}: no such page; make viewer builds it`);
  project.provide('pages', {
    plain,
    checked: withChecks(plain, JSON.stringify(checks())),
    hostile: withChecks(bad, JSON.stringify(hostile(checks()))),
    real,
    realChecks: programChecks(),
  });
  return () => rmSync(folder, { recursive: true });
}

