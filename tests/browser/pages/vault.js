// What tests of the sealed store do in a page: its calls, and its database without it (docs/formats/vault.md).
import { Vault } from '/pkg/dist/vault.js';
import { hurt } from './hurts.js';
import { outcome } from './probe.js';

export { hurt, outcome, Vault };

/** The lock that takes no time. */
export const key = new Uint8Array(32).fill(7);

/** What can be opened only with a passphrase. */
export const passphrase = 'vier Karotten im Regen';

/** Opens the vault `shop`, unless another is named, in a browser that lacks what `hurts` names. */
export function open({ hurts, ...options } = {}) {
  const { worker = true } = options;
  const hurtful = () => new Worker(`/pages/hurt-worker.js?${hurts}#vault-worker`, { type: 'module' });
  if (hurts && !worker) hurt(hurts);
  return Vault.open({ name: 'shop', unlock: { key }, ...options, worker: hurts && worker ? hurtful : worker });
}

/** The code of the error that a promise ends with, which must be one of the library's; else its value. */
export async function codeOf(promise) {
  const { value, error } = await outcome(promise);
  if (error && !error.typed) throw new Error(`not an error of the library's: ${error.name}: ${error.message}`);
  return error?.code ?? value;
}

/** A JPEG of so many bytes, 8 at least, whose only scan is filled with one byte. */
export function jpeg(length, fill = 1) {
  const picture = new Uint8Array(length).fill(fill);
  picture.set([0xff, 0xd8, 0xff, 0xda, 0, 2]);
  picture.set([0xff, 0xd9], length - 2);
  return picture;
}

export const bytesOf = async (blob) => [...new Uint8Array(await blob.arrayBuffer())];

/** Every record of a kind, page by page. */
export async function everything(vault, query = {}) {
  const records = [];
  const damaged = [];
  for (let after; after !== null; ) {
    const page = await vault.list({ order: 'oldest', limit: 64, ...query, after });
    records.push(...page.records);
    damaged.push(...page.damaged);
    after = page.next;
  }
  return { records, damaged };
}

export const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** Does `work` in a transaction over all that vaults keep, past the library. */
export async function behindItsBack(work) {
  const database = await done(indexedDB.open('jicho-vault'));
  const transaction = database.transaction(['headers', 'rows', 'blobs', 'keys'], 'readwrite');
  const ended = new Promise((resolve, reject) => {
    transaction.oncomplete = resolve;
    transaction.onabort = () => reject(transaction.error);
  });
  const stores = Object.fromEntries(
    [...transaction.objectStoreNames].map((name) => [name, transaction.objectStore(name)]),
  );
  const value = await work(stores);
  await ended;
  database.close();
  return value;
}

/** How much of the vault of that name is in each object store. */
export function leftOf(name) {
  return behindItsBack(async (stores) => {
    const of = (key) => (Array.isArray(key) ? key[0] : key) === name;
    const counted = Object.entries(stores).map(async ([store, objects]) => [
      store,
      (await done(objects.getAllKeys())).filter(of).length,
    ]);
    return Object.fromEntries(await Promise.all(counted));
  });
}

/** The key of a record's row and of its blob. */
export const place = (name, id) => [
  name,
  Uint8Array.from(id.replaceAll('-', '').match(/../g), (pair) => parseInt(pair, 16)),
];

/** A UUID for each number. */
export const numbered = (number) => `00000000-0000-0000-0000-${String(number).padStart(12, '0')}`;
