// What a browser can lack or do wrong, by name, for pages and for workers.
const missing = (owner, name) => Object.defineProperty(owner, name, { value: undefined, configurable: true });
const lost = () =>
  new DOMException('Connection to Indexed Database server lost. Refresh the page to try again', 'UnknownError');

const hurts = {
  'no-locks': () => missing(Object.getPrototypeOf(navigator), 'locks'),
  'no-broadcast': () => delete globalThis.BroadcastChannel,
  'no-database': () => missing(globalThis, 'indexedDB'),
  // Pages without https lack it.
  'no-subtle': () => missing(Crypto.prototype, 'subtle'),
  // Private windows of some browsers store keys but do not return them.
  'keys-forgotten': () => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (value, ...rest) {
      return put.call(this, value instanceof CryptoKey ? null : value, ...rest);
    };
  },
  'database-forbidden': () => {
    IDBFactory.prototype.open = () => {
      throw new DOMException('The operation is insecure.', 'SecurityError');
    };
  },
  'database-fails': () => {
    const { open } = IDBFactory.prototype;
    IDBFactory.prototype.open = function () {
      // A real request of the browser that fails.
      const request = open.call(this, 'fails', 1);
      request.addEventListener('upgradeneeded', (event) => {
        event.stopImmediatePropagation();
        request.transaction.abort();
      });
      const value = new DOMException('Internal error opening backing store for indexedDB.open.', 'UnknownError');
      return Object.defineProperty(request, 'error', { value });
    };
  },
  // A defect of Safari: only a new connection works again.
  'connection-lost-once': () => failing((call) => call === 1),
  'connection-lost': () => failing(() => true),
  'full-on-write': () => {
    const { put } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.put = function (...args) {
      const request = put.apply(this, args);
      this.transaction.abort();
      return request;
    };
  },
  'clock-of-1999': () => clock((now) => now - (Date.parse('2026-01-01') - Date.parse('1999-01-01'))),
  'clock-runs-backwards': () => {
    let ticks = 0;
    clock((now) => now - ++ticks * 86_400_000);
  },
  // Each request holds the transaction open until the host answers, if it ever does.
  'hold-first-put': () => holding('put', (call) => call === 1),
  'hold-release-put': () => holding('put', (_, store) => store.name === 'releases'),
  'hold-before-commit': () => holding('getAllKeys', (_, store) => store.transaction.mode === 'readwrite'),
};

export function hurt(names) {
  for (const name of names) {
    if (!hurts[name]) throw new Error(`nobody can be hurt by ${name}`);
    hurts[name]();
  }
}

function failing(now) {
  const { transaction } = IDBDatabase.prototype;
  let calls = 0;
  IDBDatabase.prototype.transaction = function (stores, mode, ...rest) {
    if (mode === 'readwrite' && now(++calls)) throw lost();
    return transaction.call(this, stores, mode, ...rest);
  };
}

function clock(change) {
  const { now } = Date;
  const Real = Date;
  globalThis.Date = class extends Real {
    constructor(...args) {
      super(...(args.length ? args : [change(now())]));
    }
    static now() {
      return change(now());
    }
  };
}

function holding(name, when) {
  const method = IDBObjectStore.prototype[name];
  let calls = 0;
  IDBObjectStore.prototype[name] = function (...args) {
    const request = method.apply(this, args);
    if (this.transaction.mode === 'readwrite' && when(++calls, this)) {
      // The transaction cannot commit before this script returns.
      const hold = new XMLHttpRequest();
      hold.open('GET', `/hold/${name}`, false);
      hold.send();
    }
    return request;
  };
}
