// Envelopes and lists, with the vault and with a store as an app would write it with WebCrypto: the same format and bytes.
import { Vault } from '/pkg/dist/vault.js';

/** Bytes of an envelope's header: format, key id and nonce. */
const HEAD = 17;
const CHUNK = 256;
const NAME = 'AES-GCM';

const aad = new Uint8Array(46);
let sealer;
let key;
let vault;
let database;

/** Fills both stores with that many records. */
export async function prepare(records) {
  const glue = await import('/vault/jicho.js');
  await glue.default({ module_or_path: fetch('/vault/jicho-vault.wasm') });
  sealer = new glue.BenchSealer();
  key = await crypto.subtle.generateKey({ name: NAME, length: 256 }, false, ['encrypt', 'decrypt']);
  vault = await Vault.open({ name: 'bench', unlock: { key: new Uint8Array(32) }, worker: false });
  const opening = indexedDB.open('peer', 1);
  opening.onupgradeneeded = () => opening.result.createObjectStore('rows', { keyPath: 'id' });
  database = await ended(opening);
  for (let i = 0; i < records; i++) {
    const scan = scanOf(i);
    await vault.add(scan);
    const sealed = await sealAlone(padded(scan));
    const transaction = database.transaction('rows', 'readwrite');
    transaction.objectStore('rows').put({ id: i, time: i, kind: 1, sealed });
    await new Promise((resolve) => (transaction.oncomplete = resolve));
  }
}

/** Milliseconds per envelope, averaged over several of the given number of bytes. */
export async function envelopes(who, what, bytes, times) {
  const plain = new Uint8Array(bytes);
  const input = what === 'seal' ? plain : await (who === 'webcrypto' ? sealAlone(plain) : sealer.seal(plain));
  const work = {
    crate: { seal: (input) => sealer.seal(input), open: (input) => sealer.open(input) },
    vault: { seal: (input) => sealer.sealOn(input), open: (input) => sealer.openOn(input) },
    webcrypto: { seal: sealAlone, open: openAlone },
  }[who][what];
  const begun = performance.now();
  // Synchronous calls are not awaited, which would cost time.
  if (who === 'crate') for (let i = 0; i < times; i++) work(input);
  else for (let i = 0; i < times; i++) await work(input);
  return (performance.now() - begun) / times;
}

/** Milliseconds to list that many records. */
export async function list(who, records) {
  const begun = performance.now();
  const found = await (who === 'vault' ? listVault(records) : listAlone(records));
  const ms = performance.now() - begun;
  if (found.length !== records || found[0].score !== 0 || found.at(-1).score !== records - 1)
    throw new Error(`${who} lists other records`);
  return ms;
}

async function listVault(records) {
  return (await vault.list({ order: 'oldest', limit: records })).records;
}

async function listAlone(records) {
  const found = [];
  while (found.length < records) {
    const range = IDBKeyRange.lowerBound(found.length);
    const rows = await ended(database.transaction('rows').objectStore('rows').getAll(range, CHUNK));
    const opened = await Promise.all(rows.map(({ sealed }) => openAlone(sealed)));
    found.push(...opened.map(unpadded));
  }
  return found;
}

async function sealAlone(plain) {
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const sealed = new Uint8Array(await crypto.subtle.encrypt({ name: NAME, iv, additionalData: aad }, key, plain));
  const envelope = new Uint8Array(HEAD + sealed.length);
  envelope[0] = envelope[1] = 1;
  envelope.set(iv, 5);
  envelope.set(sealed, HEAD);
  return envelope;
}

async function openAlone(envelope) {
  const algorithm = { name: NAME, iv: envelope.subarray(5, HEAD), additionalData: aad };
  return new Uint8Array(await crypto.subtle.decrypt(algorithm, key, envelope.subarray(HEAD)));
}

function scanOf(i) {
  return {
    kind: 'scan',
    decision: 'match',
    predictions: [{ label: `product-${i % 80}`, confidence: 0.75 }],
    score: i,
    version: 'v1',
  };
}

function padded(record) {
  const json = new TextEncoder().encode(JSON.stringify(record));
  const bytes = new Uint8Array(Math.ceil((4 + json.length) / 256) * 256);
  new DataView(bytes.buffer).setUint32(0, json.length, true);
  bytes.set(json, 4);
  return bytes;
}

function unpadded(bytes) {
  const length = new DataView(bytes.buffer).getUint32(0, true);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + length)));
}

function ended(request) {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}
