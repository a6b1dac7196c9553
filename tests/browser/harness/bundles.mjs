import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const { version } = JSON.parse(readFileSync(here('../../../pkg/package.json'), 'utf8'));

/** An app in `folder` with the packed package installed as npm would install it: its entry, and the folders of its builds. */
export function makeApp(folder) {
  const installed = join(folder, 'node_modules/jicho');
  mkdirSync(installed, { recursive: true });
  execFileSync('tar', ['-xzf', here(`../../../pkg/jicho-${version}.tgz`), '-C', installed, '--strip-components=1']);
  cpSync(here('../bundled/main.js'), join(folder, 'main.js'));
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'bundled', private: true, type: 'module' }));
  page(folder, '/main.js', 'module');
  return { folder, entry: join(folder, 'main.js'), out: (name) => join(folder, 'dist', name) };
}

/** Writes an HTML page that loads a script. */
export function page(folder, script, type) {
  mkdirSync(folder, { recursive: true });
  const head = '<!doctype html><html lang="en"><title>App</title><link rel="icon" href="data:,">';
  const element = type ? `<script type="${type}" src="${script}"></script>` : `<script defer src="${script}"></script>`;
  writeFileSync(join(folder, 'index.html'), `${head}${element}`);
}
