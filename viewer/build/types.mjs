// Writes src/generated/*.ts: TypeScript types of the theorem files, from their JSON schemas, so that
// the page cannot drift from what the program and the proof checker write.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { compile } from 'json-schema-to-typescript';

const root = process.env.ROUTEGAUGE_ROOT ?? '..';
const out = 'src/generated';
await mkdir(out, { recursive: true });
for (const [file, type] of [
  ['theorem_catalogue', 'FamilyFile'],
  ['theorem_status', 'StatusFile'],
  ['theorem_checks', 'ChecksFile'],
  ['theorem_slack', 'SlackFile'],
]) {
  const schema = JSON.parse(await readFile(`${root}/schema/${file}.schema.json`, 'utf8'));
  // compile() names the type by the title; if/then/else only says which members must be present,
  // which a type cannot follow (ajv checks it).
  schema.title = type;
  const text = await compile(schema, type, {
    bannerComment: `// Made from schema/${file}.schema.json by build/types.mjs.`,
    additionalProperties: false,
    format: false,
    ignoreMinAndMaxItems: true,
  });
  await writeFile(`${out}/${file}.ts`, text);
}
