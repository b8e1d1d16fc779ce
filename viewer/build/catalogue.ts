// Reads theorems/*.json and proofs/theorem_status.json, checks both against their schemas and
// against each other. Every failure names the file or the entry.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Ajv, type ValidateFunction } from 'ajv';
import type { FamilyFile } from '../src/generated/theorem_catalogue';
import type { StatusFile } from '../src/generated/theorem_status';

export interface Sources {
  families: FamilyFile[]; // in the catalogue's order
  statuses: StatusFile;
}

function readJson(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    throw new Error(`${path}: no such file`);
  }
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw new Error(`${path}: not JSON: ${String(error)}`);
  }
}

function readChecked<T>(path: string, validate: ValidateFunction<T>): T {
  const value = readJson(path);
  if (validate(value)) return value;
  const first = validate.errors?.[0];
  throw new Error(`${path}: ${first?.instancePath || '/'} ${first?.message ?? 'is not valid'}`);
}

export function readSources(root: string): Sources {
  const ajv = new Ajv({ allowUnionTypes: true });
  const schema = (name: string) => readJson(join(root, 'schema', `${name}.schema.json`)) as object;
  const isFamily = ajv.compile<FamilyFile>(schema('theorem_catalogue'));
  const isStatus = ajv.compile<StatusFile>(schema('theorem_status'));

  const folder = join(root, 'theorems');
  const families = readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .map((name) => readChecked(join(folder, name), isFamily))
    .sort((a, b) => a.family.order - b.family.order);
  if (families.length === 0) throw new Error(`${folder}: no family`);
  const statuses = readChecked(join(root, 'proofs', 'theorem_status.json'), isStatus);
  crossCheck({ families, statuses });
  return { families, statuses };
}

// What the schemas cannot say: ids are unique and every reference has its target.
function crossCheck({ families, statuses }: Sources): void {
  const ids = new Set<string>();
  for (const { family, entries } of families) {
    for (const { id } of entries) {
      if (!id.startsWith(`${family.id}-`))
        throw new Error(`${id}: is listed in family ${family.id}`);
      if (ids.has(id)) throw new Error(`${id}: two entries have this id`);
      ids.add(id);
    }
  }
  for (const { entry, id } of statuses.theorems) {
    if (!ids.has(entry)) throw new Error(`${id}: a proof status of an entry that does not exist`);
  }
  for (const { entries } of families) {
    for (const entry of entries) {
      for (const other of entry.depends_on) {
        if (!ids.has(other))
          throw new Error(`${entry.id}: depends on ${other}, which does not exist`);
      }
      const rows = statuses.theorems.filter((row) => row.entry === entry.id);
      for (const name of entry.formal.theorems) {
        if (!rows.some((row) => row.name === name)) {
          throw new Error(`${entry.id}: proofs/theorem_status.json has no row for ${name}`);
        }
      }
    }
  }
}
