import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

import { fileAt } from './host.mjs';

const isMetadata = (path) => path.endsWith('/latest/metadata.json');
const isHead = (path) => path.endsWith('.safetensors');

/** Answers metadata.json changed by `edit`. */
export function editMetadata(host, edit) {
  return (path, response) => {
    if (!isMetadata(path)) return false;
    const metadata = JSON.parse(readFileSync(fileAt(host.mounts, path), 'utf8'));
    edit(metadata);
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(metadata));
    return true;
  };
}

const edited = (name, code, edit) => ({ name, code, misbehave: (host) => editMetadata(host, edit) });

const answered = (name, code, isMeant, answer) => ({
  name,
  code,
  misbehave: (host) => (path, response) => {
    if (!isMeant(path)) return false;
    answer(response, readFileSync(fileAt(host.mounts, path)));
    return true;
  },
});

/** Another plan than the one published, told as it is: what only the library's reader can notice. */
const replanned = (name, code, change) => ({
  name,
  code,
  misbehave: (host) => (path, response) => {
    if (isMetadata(path)) {
      return editMetadata(host, ({ files }) => {
        const plan = files.find(({ role }) => role === 'plan');
        const bytes = changed(fileAt(host.mounts, path.replace(/[^/]+\/latest\/.*/, plan.url)), change);
        plan.sha256 = createHash('sha256').update(bytes).digest('hex');
        plan.bytes = bytes.length;
      })(path, response);
    }
    if (!path.endsWith('.plan')) return false;
    response.writeHead(200).end(changed(fileAt(host.mounts, path), change));
    return true;
  },
});

function changed(file, change) {
  return change(readFileSync(file));
}

/** Everything a host can do wrong, and the code of the error that tells it. */
export function damages() {
  return [
    answered('an HTML page for metadata.json', 'INVALID_MANIFEST', isMetadata, (response) =>
      response.writeHead(200, { 'Content-Type': 'text/html' }).end('<!doctype html><title>Shop</title>'),
    ),
    answered('half a metadata.json', 'INVALID_MANIFEST', isMetadata, (response, bytes) =>
      response.writeHead(200).end(bytes.subarray(0, bytes.length / 2)),
    ),
    answered('a host that fails', 'HTTP_STATUS', isMetadata, (response) => response.writeHead(500).end()),
    answered('a file with another byte', 'HASH_MISMATCH', isHead, (response, bytes) => {
      bytes[bytes.length - 1] ^= 1;
      response.writeHead(200).end(bytes);
    }),
    answered('a file that is too short', 'SIZE_MISMATCH', isHead, (response, bytes) =>
      response.writeHead(200).end(bytes.subarray(0, bytes.length - 100)),
    ),
    answered('a file that is too long', 'SIZE_MISMATCH', isHead, (response, bytes) =>
      response.writeHead(200).end(Buffer.concat([bytes, bytes])),
    ),
    answered('a connection that breaks', 'NETWORK', isHead, (response, bytes) => {
      response.writeHead(200, { 'Content-Length': bytes.length });
      response.write(bytes.subarray(0, 1000), () => response.destroy());
    }),
    answered('a file that is missing', 'HTTP_STATUS', isHead, (response) => response.writeHead(404).end('Not found\n')),
    answered('an HTML page for a file', 'SIZE_MISMATCH', isHead, (response) => response.writeHead(200).end('<html>')),
    replanned('a plan that was damaged before it was published', 'INVALID_MODEL', (bytes) => {
      bytes[bytes.length >> 1] ^= 1;
      return bytes;
    }),
    replanned('a plan of another version than it tells', 'INVALID_MODEL', (bytes) => {
      bytes[8] += 1;
      return bytes;
    }),
    replanned('half a plan', 'INVALID_MODEL', (bytes) => bytes.subarray(0, bytes.length / 2)),
    edited('a newer schema', 'SCHEMA_TOO_NEW', (metadata) => (metadata.schema = 999)),
    edited('a newer runtime', 'RUNTIME_TOO_OLD', (metadata) => (metadata.minimumRuntime = '999.0.0')),
    edited('another channel', 'INVALID_MANIFEST', (metadata) => (metadata.channelId = 'T_9')),
    edited('another golden vector', 'GOLDEN_MISMATCH', (metadata) => (metadata.golden.outputs[0] += 1)),
    edited('a path that leaves the folder', 'INVALID_MANIFEST', (metadata) => (metadata.files[0].url = '../../secret.onnx')),
  ];
}
