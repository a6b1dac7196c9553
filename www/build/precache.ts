import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';

import type { Plugin } from 'vite';

/** The service worker's file. Its address must never change, or browsers would not find the next version. */
export const SERVICE_WORKER = 'sw.js';

/** Writes the list of the app's files with their integrity into the built service worker. */
export function precache(): Plugin {
  let folder = '';
  return {
    name: 'jicho-precache',
    apply: 'build',
    configResolved(config) {
      folder = join(config.root, config.build.outDir);
    },
    // Only now are all files there: those of the public folder and of the library's worker are in no bundle that plugins see.
    closeBundle() {
      const files = Object.fromEntries(
        readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile() && entry.name !== SERVICE_WORKER)
          .map((entry) => relative(folder, join(entry.parentPath, entry.name)))
          .sort()
          .map((file) => [address(file), integrity(readFileSync(join(folder, file)))]),
      );
      const worker = join(folder, SERVICE_WORKER);
      const source = readFileSync(worker, 'utf8');
      if (!source.includes('__APP_FILES__')) throw new Error('the service worker has no place for the list of files');
      writeFileSync(
        worker,
        source.replace('__APP_FILES__', () => JSON.stringify(files)),
      );
    },
  };
}

/** The address relative to the service worker. A page's is its folder, which every host answers without a redirect. */
function address(file: string): string {
  return `./${file.split(sep).join('/')}`.replace(/\/index\.html$/, '/');
}

/** Subresource integrity, as in HTML: the browser verifies it for the service worker. */
function integrity(bytes: Uint8Array): string {
  return `sha256-${createHash('sha256').update(bytes).digest('base64')}`;
}
