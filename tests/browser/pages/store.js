// The library's database without the library: reads it and damages it (docs/formats/device.md).
const NAME = 'jicho';

const done = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** The database, or undefined if there is none; it is not created. */
async function open() {
  const request = indexedDB.open(NAME);
  request.onupgradeneeded = () => request.transaction.abort();
  return done(request).catch(() => undefined);
}

const damages = {
  'a stored file has another byte': async ({ blobs }) => {
    const [key] = await done(blobs.getAllKeys());
    const bytes = await done(blobs.get(key));
    bytes[bytes.length >> 1] ^= 1;
    blobs.put(bytes, key);
  },
  'a stored file is gone': async ({ blobs }) => blobs.delete((await done(blobs.getAllKeys()))[0]),
  'the stored release is gone': ({ releases }) => releases.clear(),
  'the stored release is rubbish': ({ releases }) => each(releases, () => ({ releaseSeq: 1, blobs: 'none' })),
  'the stored metadata is cut off': ({ releases }) =>
    each(releases, (release) => ({ ...release, metadata: release.metadata.slice(0, 500) })),
};

async function each(store, change) {
  for (const key of await done(store.getAllKeys())) store.put(change(await done(store.get(key))), key);
}

/** Damages the stored data, if there is any. */
export async function damage(name) {
  const database = await open();
  if (!database) return;
  const transaction = database.transaction(['releases', 'blobs'], 'readwrite');
  const ended = new Promise((resolve) => (transaction.oncomplete = resolve));
  await damages[name]({ releases: transaction.objectStore('releases'), blobs: transaction.objectStore('blobs') });
  await ended;
  database.close();
}

/** Gives the device this number. */
export async function setDevice(number) {
  const database = await open();
  const transaction = database.transaction('state', 'readwrite');
  await done(transaction.objectStore('state').put(Uint8Array.from(number), 'device'));
  database.close();
}

/** Turns the database into one of schema version 1, with the same data. */
export async function makeVersion1() {
  const database = await open();
  const stores = {};
  for (const name of ['releases', 'blobs']) {
    const store = database.transaction(name).objectStore(name);
    const [keys, values] = await Promise.all([done(store.getAllKeys()), done(store.getAll())]);
    stores[name] = keys.map((key, i) => [key, values[i]]);
  }
  database.close();
  await deleteDatabase();
  const opening = indexedDB.open(NAME, 1);
  opening.onupgradeneeded = () => Object.keys(stores).forEach((name) => opening.result.createObjectStore(name));
  const old = await done(opening);
  const transaction = old.transaction(Object.keys(stores), 'readwrite');
  for (const [key, value] of stores.blobs) transaction.objectStore('blobs').put(value, key);
  for (const [key, { releaseSeq, blobs, metadata }] of stores.releases) {
    transaction.objectStore('releases').put({ releaseSeq, blobs, metadata }, key);
  }
  await new Promise((resolve) => (transaction.oncomplete = resolve));
  old.close();
}

/** Turns the database into one of a future version of the library, with the same data and more. */
export async function makeNewer(version) {
  const opening = indexedDB.open(NAME, version);
  opening.onupgradeneeded = () => opening.result.createObjectStore('of the future');
  (await done(opening)).close();
}

export function deleteDatabase() {
  return done(indexedDB.deleteDatabase(NAME));
}

/** Everything that this origin stores, as one text to search in. */
export async function everything() {
  const kept = {
    databases: {},
    local: { ...localStorage },
    session: { ...sessionStorage },
    caches: {},
    cookies: document.cookie,
  };
  for (const { name } of await indexedDB.databases()) {
    const database = await done(indexedDB.open(name));
    const stores = (kept.databases[name] = {});
    for (const store of database.objectStoreNames) {
      const objects = database.transaction(store).objectStore(store);
      const [keys, values] = await Promise.all([done(objects.getAllKeys()), done(objects.getAll())]);
      stores[store] = Object.fromEntries(keys.map((key, i) => [key, plain(values[i])]));
    }
    database.close();
  }
  for (const name of await caches.keys()) {
    kept.caches[name] = (await (await caches.open(name)).keys()).map(({ url }) => url);
  }
  const files = await navigator.storage.getDirectory().then((folder) => Array.fromAsync(folder.keys()));
  return { ...kept, files };
}

function plain(value) {
  if (value instanceof Uint8Array) return new TextDecoder('latin1').decode(value);
  if (value?.constructor !== Object) return value;
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, plain(inner)]));
}
