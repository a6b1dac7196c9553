import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('../src/', import.meta.url));
const sources = readdirSync(folder, { recursive: true }).filter((name) => name.endsWith('.ts'));

/** What each module imports from others of the package, types too. */
const imports = new Map(
  sources.map((name) => {
    const code = readFileSync(join(folder, name), 'utf8');
    const found = [...code.matchAll(/(?:from|import\()\s*'(\.[^']*)\.js'/g)];
    return [name, found.map(([, path]) => normalize(join(dirname(name), `${path}.ts`)))];
  }),
);

test('no modules of the package import each other in a circle, not even their types', () => {
  const done = new Set();
  const visit = (name, path) => {
    assert.ok(!path.includes(name), `a circle of imports: ${[...path, name].join(' → ')}`);
    if (done.has(name)) return;
    for (const other of imports.get(name) ?? []) visit(other, [...path, name]);
    done.add(name);
  };
  assert.ok(sources.length > 50);
  for (const name of sources) visit(name, []);
});

test('the folder src itself holds what package.json exports, and nothing else', () => {
  const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  const exported = JSON.stringify(manifest.exports).matchAll(/dist\/([\w-]+)\.js/g);
  const entries = sources.filter((name) => !name.includes('/')).sort();
  assert.deepEqual(entries, [...new Set([...exported].map(([, name]) => `${name}.ts`))].sort());
});
