import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import type { Plugin } from 'vite';

/** The library's wasm modules are called by the folder they come from, so that the service worker can tell them apart. */
export function moduleNames({ originalFileNames }: { originalFileNames: string[] }): string {
  const folder = /([^/]+)\/jicho_bg\.wasm$/.exec(originalFileNames[0] ?? '')?.[1];
  return `assets/${folder ? `wasm-${folder}` : '[name]'}-[hash][extname]`;
}

/** Tells the service worker which files make up the app, and the hash of each. */
export function precache(): Plugin {
  let folder = '';
  return {
    name: 'jicho-precache',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    // Not earlier: the files of the public folder and of the library's worker are in no bundle that a plugin sees.
    closeBundle() {
      const files = Object.fromEntries(
        readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && entry.name !== 'sw.js')
          .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
          .sort()
          .map((file) => [address(file), hash(readFileSync(join(folder, file)))]),
      );
      const worker = join(folder, 'sw.js');
      const source = readFileSync(worker, 'utf8');
      if (!source.includes('__APP_FILES__')) throw new Error('sw.js has no place for the list of files');
      writeFileSync(
        worker,
        source.replace('__APP_FILES__', () => JSON.stringify(files)),
      );
    },
  };
}

/** Relative to sw.js. The page itself is asked for by its folder, which every host answers without a redirect. */
function address(file: string): string {
  return file === 'index.html' ? './' : `./${file.split(sep).join('/')}`;
}

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16);
}
