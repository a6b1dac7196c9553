import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, readFileSync, statSync } from 'node:fs';
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
  '.mp4': 'video/mp4',
  '.png': 'image/png',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
};

// The policy that the library and the app must work under.
const policy = (elsewhere) =>
  [
    "default-src 'none'",
    ["connect-src 'self'", ...elsewhere].join(' '),
    "img-src 'self' blob: data:",
    "manifest-src 'self'",
    "media-src 'self'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "worker-src 'self'",
  ].join('; ');

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/**
 * A static host that can misbehave. `/pkg/` is the built package, `/pages/` is the folder `pages` of these tests, and `folders`
 * adds more. `misbehave(path, response, request)` is called before each answer; if it returns true, it has answered. `exchanges`
 * records each request and answer: path, headers, status, bytes of the body. The policy lets pages connect to this host and to
 * the origins `elsewhere`.
 */
export async function host(folders = {}, elsewhere = []) {
  const mounts = { '/pkg/': here('../../../pkg/'), '/pages/': here('../pages/'), ...folders };
  const self = { mounts, requests: [], exchanges: [], misbehave: undefined };
  const server = createServer((request, response) => {
    const path = decodeURIComponent(new URL(request.url, 'http://host').pathname);
    self.requests.push(path);
    self.exchanges.push(counted(path, request, response));
    response.setHeader('Content-Security-Policy', policy(elsewhere));
    if (self.misbehave?.(path, response, request)) return;
    const file = fileAt(self.mounts, path);
    if (file) send(request, response, file);
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

function counted(path, { headers }, response) {
  const exchange = {
    path,
    headers,
    bytes: 0,
    get status() {
      return response.statusCode;
    },
  };
  for (const name of ['write', 'end']) {
    const method = response[name];
    response[name] = (chunk, ...rest) => {
      if (chunk && typeof chunk !== 'function') exchange.bytes += Buffer.byteLength(chunk);
      return method.call(response, chunk, ...rest);
    };
  }
  return exchange;
}

/** The file behind a path, or undefined. */
export function fileAt(mounts, path) {
  const mount = Object.keys(mounts)
    .filter((prefix) => path.startsWith(prefix))
    .sort((a, b) => b.length - a.length)[0];
  if (!mount) return undefined;
  const below = path.slice(mount.length) + (path.endsWith('/') ? 'index.html' : '');
  const file = join(mounts[mount], normalize(below));
  return file.startsWith(normalize(mounts[mount])) && statSync(file, { throwIfNoEntry: false })?.isFile()
    ? file
    : undefined;
}

function send(request, response, file) {
  const { size } = statSync(file);
  const etag = `"${createHash('sha256').update(readFileSync(file)).digest('hex').slice(0, 16)}"`;
  const headers = { 'Cache-Control': 'no-cache', ETag: etag };
  if (request.headers['if-none-match'] === etag) return response.writeHead(304, headers).end();
  const from = rangeOf(request, etag);
  if (from >= size) return response.writeHead(416, { 'Content-Range': `bytes */${size}` }).end();
  response.writeHead(from > 0 ? 206 : 200, {
    ...headers,
    'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream',
    'Content-Length': size - from,
    ...(from > 0 && { 'Content-Range': `bytes ${from}-${size - 1}/${size}` }),
  });
  return createReadStream(file, { start: from }).pipe(response);
}

/** The first byte that the request asks for; 0 if it asks for the whole file. */
export function rangeOf({ headers }, etag) {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  return [undefined, etag].includes(headers['if-range']) ? from : 0;
}
