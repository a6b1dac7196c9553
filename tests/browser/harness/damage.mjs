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
    edited('a newer schema', 'SCHEMA_TOO_NEW', (metadata) => (metadata.schema = 999)),
    edited('a newer runtime', 'RUNTIME_TOO_OLD', (metadata) => (metadata.minimumRuntime = '999.0.0')),
    edited('another channel', 'INVALID_MANIFEST', (metadata) => (metadata.channelId = 'T_9')),
    edited('another golden vector', 'GOLDEN_MISMATCH', (metadata) => (metadata.golden.outputs[0] += 1)),
    edited('a path that leaves the folder', 'INVALID_MANIFEST', (metadata) => (metadata.files[0].url = '../../secret.onnx')),
  ];
}
