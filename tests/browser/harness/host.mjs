import { once } from 'node:events';
import { createReadStream, statSync } from 'node:fs';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';

const TYPES = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.mjs': 'text/javascript; charset=utf-8',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

// All of the library and the app must work under it.
const POLICY = [
  "default-src 'none'",
  "connect-src 'self'",
  "img-src 'self' blob: data:",
  "manifest-src 'self'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "worker-src 'self'",
].join('; ');

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * A static host that can misbehave. `/pkg/` is the built package, `/pages/` this folder's pages; `folders` adds more.
 * `misbehave` is asked before each answer, and takes it over by returning true.
 */
export async function host(folders = {}) {
  const mounts = { '/pkg/': here('../../../pkg/'), '/pages/': here('../pages/'), ...folders };
  const self = { mounts, requests: [], misbehave: undefined };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://host').pathname);
    self.requests.push(path);
    response.setHeader('Content-Security-Policy', POLICY);
    if (self.misbehave?.(path, response)) return;
    const file = fileAt(self.mounts, path);
    if (file) send(response, file);
    else response.writeHead(404).end('Not found\n');
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

/** The file behind a path, or undefined. */
export function fileAt(mounts, path) {
  const mount = Object.keys(mounts).filter((prefix) => path.startsWith(prefix)).sort((a, b) => b.length - a.length)[0];
  if (!mount) return undefined;
  const below = path.slice(mount.length) + (path.endsWith('/') ? 'index.html' : '');
  const file = join(mounts[mount], normalize(below));
  return file.startsWith(normalize(mounts[mount])) && statSync(file, { throwIfNoEntry: false })?.isFile() ? file : undefined;
}

function send(response, file) {
  response.writeHead(200, {
    'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
    'Content-Length': statSync(file).size,
    'Cache-Control': 'no-cache',
  });
  createReadStream(file).pipe(response);
}
