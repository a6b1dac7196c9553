// Faults of IndexedDB, and a database as an older version of the library left it.
const bytes = (text) => new TextEncoder().encode(text);

/** Schema 1: two object stores, releases without latestSeq and etag. */
export const makeVersion1 = async (name) => {
  const ended = (request) =>
    new Promise((resolve, reject) => {
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error);
    });
  await ended(indexedDB.deleteDatabase(name));
  const opening = indexedDB.open(name, 1);
  opening.onupgradeneeded = () => ['releases', 'blobs'].forEach((store) => opening.result.createObjectStore(store));
  const database = await ended(opening);
  const transaction = database.transaction(['releases', 'blobs'], 'readwrite');
  const hash = (letter) => letter.repeat(64);
  for (const letter of 'ab') transaction.objectStore('blobs').put(bytes(letter.toUpperCase()), hash(letter));
  const release = { releaseSeq: 5, blobs: [...'ab'].map(hash), metadata: bytes('5 ab') };
  await ended(transaction.objectStore('releases').put(release, 'one'));
  database.close();
};

let kind;
let left = 0;
export const failNext = (fault, times) => {
  kind = fault;
  left = times;
};
export const faultsLeft = () => left;

/** Whether the fault strikes here. */
const strikes = (...kinds) => kinds.includes(kind) && left > 0 && left-- > 0;

const wrap = (type, method, around) => {
  const original = type.prototype[method];
  type.prototype[method] = function (...parameters) {
    return around.call(this, () => original.apply(this, parameters), parameters);
  };
};
const lost = () =>
  new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError');

wrap(IDBDatabase, 'transaction', function (call) {
  // As it is thrown once the browser has closed the connection.
  if (strikes('closed')) throw new DOMException('The database connection is closing.', 'InvalidStateError');
  return call();
});
for (const method of ['get', 'put', 'getAllKeys']) {
  wrap(IDBObjectStore, method, function (call) {
    if (strikes(method)) throw lost();
    const request = call();
    if (method === 'put' && strikes('quota')) end(this.transaction, new DOMException('full', 'QuotaExceededError'));
    if (method === 'get' && strikes('request')) end(this.transaction, lost());
    if (method === 'getAllKeys' && strikes('aborted')) this.transaction.abort();
    return request;
  });
}

/** Aborts a transaction as the browser does by itself: with an error of its own. */
const end = (transaction, error) => {
  Object.defineProperty(transaction, 'error', { value: error });
  transaction.abort();
};

let asked = 0;
wrap(IDBFactory, 'open', (call) => {
  asked += 1;
  return call();
});
/** How often a database was to be opened. */
export const databasesAskedFor = () => asked;
