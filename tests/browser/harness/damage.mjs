import { readFileSync } from 'node:fs';

import { fileAt } from './host.mjs';

/** Answers requests for metadata.json with the file as changed by `edit`. */
export function editMetadata(host, edit) {
  return (path, response) => {
    if (!path.endsWith('/latest/metadata.json')) return false;
    const metadata = JSON.parse(readFileSync(fileAt(host.mounts, path), 'utf8'));
    edit(metadata);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(metadata));
    return true;
  };
}
