import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname } from 'node:path';

import { fileAt } from '../../browser/harness/host.mjs';

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
};

// Cross-origin isolation gives the page the finest clock.
const ISOLATED = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
};

/**
 * A static host with the headers that a shop's host should send: the browser may cache everything except a channel's `latest/`,
 * which it must revalidate. `requests` lists the requested paths and the files behind them.
 */
export async function host(mounts) {
  const self = { requests: [] };
  const contents = new Map();
  // Files are served from memory, so that the disk adds no noise.
  const read = (file) => {
    if (!contents.has(file)) contents.set(file, readFileSync(file));
    return contents.get(file);
  };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://host').pathname);
    const file = fileAt(mounts, path);
    self.requests.push({ path, file });
    if (!file) {
      response.writeHead(404).end('Not found\n');
      return;
    }
    send(request, response, { content: read(file), type: TYPES[extname(file)], keeps: !path.includes('/latest/') });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  self.url = `http://127.0.0.1:${server.address().port}`;
  self.close = async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  };
  return self;
}

function send(request, response, { content, type = 'application/octet-stream', keeps }) {
  const headers = { ...ISOLATED, 'Content-Type': type };
  if (keeps) headers['Cache-Control'] = 'max-age=31536000, immutable';
  else {
    headers['Cache-Control'] = 'no-cache';
    headers.ETag = `"${createHash('sha256').update(content).digest('hex')}"`;
    if (request.headers['if-none-match'] === headers.ETag) {
      response.writeHead(304, headers).end();
      return;
    }
  }
  response.writeHead(200, { ...headers, 'Content-Length': content.length }).end(content);
}
