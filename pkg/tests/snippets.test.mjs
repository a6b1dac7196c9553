// Every TypeScript snippet of the documentation compiles in an app, by the compiler's strict rules.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The documentation: Markdown files, relative to the repository. */
function documents() {
  const docs = readdirSync(at('../../docs'), { recursive: true }).map((file) => join('docs', file));
  return ['README.md', 'pkg/README.md', ...docs].filter((file) => file.endsWith('.md'));
}

/** The snippets of a file, each named by the line that it begins at. */
function snippets(file) {
  const text = readFileSync(at(`../../${file}`), 'utf8');
  return [...text.matchAll(/^( *)```ts\n(.*?)^\1```$/gms)].map(({ index, 2: code }) => {
    const line = text.slice(0, index).split('\n').length;
    return { name: `${file.replace('.md', '').replace(/\W/g, '_')}_line_${line}.ts`, code };
  });
}

test('the snippets of the documentation compile', () => {
  const { version } = JSON.parse(readFileSync(at('../package.json'), 'utf8'));
  const packed = at(`../jicho-${version}.tgz`);
  assert.ok(existsSync(packed), 'the package is not built: ./build.sh pkg');
  const folder = mkdtempSync(join(tmpdir(), 'jicho-snippets-'));
  try {
    const installed = join(folder, 'node_modules/jicho');
    mkdirSync(installed, { recursive: true });
    execFileSync('tar', ['-xzf', packed, '-C', installed, '--strip-components', '1']);
    copyFileSync(at('snippets/app.d.ts'), join(folder, 'app.d.ts'));
    const all = documents().flatMap(snippets);
    assert.ok(all.length > 15, 'the snippets are not found');
    for (const { name, code } of all) writeFileSync(join(folder, name), `${code}\nexport {};\n`);
    const compilerOptions = {
      target: 'ES2022',
      module: 'ES2022',
      moduleResolution: 'bundler',
      lib: ['ES2022', 'DOM', 'DOM.Iterable'],
      types: [],
      strict: true,
      noEmit: true,
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
    const { stdout } = spawnSync(process.execPath, [at('../../node_modules/typescript/bin/tsc'), '-p', folder], {
      encoding: 'utf8',
    });
    assert.equal(stdout, '');
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
