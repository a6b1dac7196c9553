// Writes the types of the API, src/api/schema.ts, from its description, src/api/openapi.json. With the address of a running
// service as argument it fetches the description first.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../src/api/${path}`, import.meta.url));
const [service] = process.argv.slice(2);
if (service) {
  const response = await fetch(new URL('openapi.json', service));
  if (!response.ok) throw new Error(`${response.url} answered ${response.status}`);
  writeFileSync(at('openapi.json'), `${JSON.stringify(await response.json(), null, 1)}\n`);
}

const description = JSON.parse(readFileSync(at('openapi.json'), 'utf8'));
// Types are found by path and method. Without ids the generator writes each of them in its place, so that two operations
// of one id are not taken for one.
for (const path of Object.values(description.paths)) {
  for (const operation of Object.values(path)) delete operation.operationId;
}
const folder = mkdtempSync(join(tmpdir(), 'jicho-api-'));
const input = join(folder, 'openapi.json');
writeFileSync(input, JSON.stringify(description));
// The generator needs the compiler's older interface, so it brings a compiler of its own and is no dependency of the app.
const packages = ['openapi-typescript@7.13.0', 'typescript@5.9.3'].flatMap((name) => ['--package', name]);
try {
  // What has a default may be left out of a request; an object without properties holds anything.
  const options = ['--default-non-nullable', 'false', '--empty-objects-unknown'];
  execFileSync('npx', ['--yes', ...packages, 'openapi-typescript', input, ...options, '-o', at('schema.ts')], {
    cwd: folder,
    stdio: 'inherit',
  });
  execFileSync('npx', ['biome', 'format', '--write', at('schema.ts')], { cwd: at('../../..'), stdio: 'inherit' });
} finally {
  rmSync(folder, { recursive: true });
}
