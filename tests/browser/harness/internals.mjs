import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { temporary } from './shop.mjs';

const pkg = fileURLToPath(new URL('../../../pkg/', import.meta.url));

/** A folder with internal modules of the package, which as published is bundled and does not export them. */
export function internals(after, ...modules) {
  const folder = temporary(after);
  const sources = modules.map((module) => `${pkg}src/${module}.ts`);
  execFileSync(`${pkg}../node_modules/.bin/esbuild`, [
    ...sources,
    '--bundle',
    '--format=esm',
    `--outdir=${folder}`,
    '--log-level=warning',
  ]);
  return folder;
}
