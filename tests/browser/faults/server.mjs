// What a host can do wrong to one file. Each is an answer: `(response, bytes, request, environment)`.
import { rangeOf } from '../harness/host.mjs';

/** Ends the connection before it has answered, for every file of a release. */
export function refuse(path, response) {
  return path.startsWith('/models/') && Boolean(response.destroy());
}

export const status = (code) => (response) =>
  response.writeHead(code, { 'Content-Type': 'text/plain' }).end(`${code}\n`);

export const page = (response) =>
  response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Shop</title><p>Welcome');

/** Ends the connection after that share of the file, with the whole length in the header. A request for the rest gets nothing. */
export const cut = (share) => (response, bytes, request) => {
  const from = rangeOf(request);
  const end = Math.floor(bytes.length * share);
  response.writeHead(from > 0 ? 206 : 200, {
    'Content-Length': bytes.length - from,
    ...(from > 0 && { 'Content-Range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  flush(response, bytes.subarray(from, end), () => response.destroy());
};

/** Sends that share of the file as if it were the whole. */
export const short = (share) => (response, bytes) => {
  const part = bytes.subarray(0, Math.floor(bytes.length * share));
  response.writeHead(200, { 'Content-Length': part.length }).end(part);
};

/** Sends other bytes of any length. */
export const changed = (change) => (response, bytes, _, environment) => {
  const other = change(Buffer.from(bytes), environment);
  response.writeHead(200, { 'Content-Length': other.length }).end(other);
};

export const flipped = (place) =>
  changed((bytes) => {
    const at = place(bytes);
    bytes[at] ^= 1;
    return bytes;
  });

/** Sends the whole file with a wrong length in the header. */
export const misnumbered = (length) => (response, bytes) => {
  response.shouldKeepAlive = false;
  response.strictContentLength = false;
  response.writeHead(200, { 'Content-Length': length(bytes.length) });
  flush(response, bytes, () => response.destroy());
};

/** Sends two headers with different lengths. */
export const twice = (_, bytes, { socket }) => {
  const head = `HTTP/1.1 200 OK\r\nContent-Length: ${bytes.length}\r\nContent-Length: ${bytes.length + 1}\r\n\r\n`;
  socket.write(Buffer.concat([Buffer.from(head), bytes]));
  socket.destroySoon();
};

/** Sends nothing and keeps the connection open. */
export const stalled = (share) => (response, bytes) => {
  if (share === undefined) return;
  response.writeHead(200, { 'Content-Length': bytes.length });
  flush(response, bytes.subarray(0, bytes.length * share), () => undefined);
};

/** Resets the connection instead of closing it. */
export const reset = (share) => (response, bytes) => {
  if (share === undefined) return response.socket?.resetAndDestroy();
  response.writeHead(200, { 'Content-Length': bytes.length });
  flush(response, bytes.subarray(0, bytes.length * share), () => response.socket?.resetAndDestroy());
};

/** Sends 1 KB a second; emits an event once the first bytes are sent. */
export const slow = (response, bytes, _, { events }) => {
  response.writeHead(200, { 'Content-Length': bytes.length });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(bytes.subarray(sent, (sent += 256)));
    if (sent === 768) events.emit('slow');
  }, 250);
  response.on('close', () => clearInterval(timer));
};

/** Sends the first half and then nothing; emits an event. */
export const held = (response, bytes, _, { events }) => {
  response.writeHead(200, { 'Content-Length': bytes.length });
  flush(response, bytes.subarray(0, bytes.length / 2), () => events.emit('held'));
};

/** Redirects to the other origin, which answers as `mount` says. */
export const redirected =
  (mount) =>
  (response, _, request, { other }) =>
    response.writeHead(302, { Location: `${other.url}/${mount}${request.url}` }).end();

function flush(response, bytes, then) {
  if (bytes.length > 0) response.write(bytes, then);
  else {
    response.flushHeaders();
    setImmediate(then);
  }
}
