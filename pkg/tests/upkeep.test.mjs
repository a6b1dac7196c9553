import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { source } from './source.mjs';

const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
define('navigator', { onLine: true });
define('addEventListener', () => undefined);
define('removeEventListener', () => undefined);

const { Upkeep, errorOf } = await source('upkeep/upkeep', 'api/error-codes');
const never = new AbortController().signal;
const settled = () => new Promise((resolve) => setTimeout(resolve, 20));

let opened = [];
afterEach(() => {
  for (const upkeep of opened) upkeep.dispose();
  opened = [];
});

/** The upkeep of a channel, with a fake backend that the test controls. */
function open({ channel = 'T_1', every = 60 * 60_000, options = {} } = {}) {
  const log = [];
  const checks = [];
  const self = { log, checks, result: { outcome: 'current', model: null, cause: null, expires: null, expired: false } };
  const backend = {
    sync(onProgress, signal) {
      log.push('sync');
      onProgress({ loadedBytes: 1, totalBytes: 2 });
      return new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => reject(errorOf('ABORTED', 'aborted')));
        Promise.resolve(self.gate).then(() => (self.error ? reject(self.error) : resolve(self.result)));
      });
    },
    refresh: async () => void log.push('refresh'),
    clear: async () => void log.push('clear'),
    unload: async () => void log.push('unload'),
  };
  const settings = { models: 'https://shop.example/models/', channel };
  const onCheck = (check) => checks.push(check);
  self.upkeep = new Upkeep(backend, settings, { ...options, onCheck }, every);
  opened.push(self.upkeep);
  return self;
}

test('a started upkeep checks automatically', async () => {
  const { upkeep, log, checks } = open();
  upkeep.start();
  await settled();
  assert.deepEqual(log, ['sync']);
  assert.deepEqual(checks, [{ outcome: 'current', error: null, cause: null, expired: false, automatic: true }]);
  assert.ok(upkeep.nextCheckAt > Date.now());
  assert.equal(upkeep.journal.lastCheck.outcome, 'current');
});

test('a sync that the app starts at once serves as the first check', async () => {
  const { upkeep, log, checks } = open();
  upkeep.start();
  await upkeep.sync(() => undefined, never);
  await settled();
  assert.deepEqual(log, ['sync']);
  assert.equal(checks[0].automatic, false);
});

test('a sync joins a running automatic check; syncs of the app run one after another', async () => {
  const at = open();
  let end;
  at.gate = new Promise((resolve) => (end = resolve));
  at.upkeep.start();
  await settled();
  const told = [];
  const joined = [at.upkeep.sync((p) => told.push(p), never), at.upkeep.sync(() => undefined, never)];
  end();
  assert.deepEqual(
    (await Promise.all(joined)).map(({ outcome }) => outcome),
    ['current', 'current'],
  );
  assert.deepEqual(at.log, ['sync']);
  assert.deepEqual(told, [{ loadedBytes: 1, totalBytes: 2 }]);
  await Promise.all([at.upkeep.sync(() => undefined, never), at.upkeep.sync(() => undefined, never)]);
  assert.deepEqual(at.log, ['sync', 'sync', 'sync']);
  assert.deepEqual(
    at.checks.map(({ automatic }) => automatic),
    [true, false, false],
  );
});

test('aborting a sync that joined does not abort the automatic check', async () => {
  const at = open();
  let end;
  at.gate = new Promise((resolve) => (end = resolve));
  at.upkeep.start();
  await settled();
  const controller = new AbortController();
  const joined = at.upkeep.sync(() => undefined, controller.signal);
  controller.abort();
  end();
  await joined;
  await settled();
  assert.deepEqual(at.checks, [{ outcome: 'current', error: null, cause: null, expired: false, automatic: true }]);
});

test('without an interval there are no automatic checks', async () => {
  const { upkeep, log } = open({ every: 0 });
  upkeep.start();
  await settled();
  assert.deepEqual(log, []);
  assert.equal(upkeep.nextCheckAt, null);
});

test('a failing check is reported and counted, and rejects only its callers', async () => {
  const at = open();
  at.error = errorOf('HASH_MISMATCH', 'other bytes');
  at.upkeep.start();
  await settled();
  assert.deepEqual(at.log, ['sync']);
  assert.deepEqual(at.checks, [{ outcome: 'failed', error: at.error, cause: null, expired: false, automatic: true }]);
  assert.deepEqual(at.upkeep.journal.report.errors, { HASH_MISMATCH: 1 });
  assert.deepEqual(at.upkeep.journal.lastCheck.error, { code: 'HASH_MISMATCH', message: 'other bytes' });
  await assert.rejects(
    at.upkeep.sync(() => undefined, never),
    { code: 'HASH_MISMATCH' },
  );
});

test('a host that is out of date is reported whatever the outcome', async () => {
  const at = open();
  at.result = { outcome: 'updated', model: null, cause: null, expires: 1, expired: true };
  at.upkeep.start();
  await settled();
  assert.deepEqual(at.checks, [{ outcome: 'updated', error: null, cause: null, expired: true, automatic: true }]);
});

test('the cause of being offline is reported and written to the journal', async () => {
  const at = open();
  const cause = { code: 'NETWORK', message: 'no CORS' };
  at.result = { outcome: 'offline', model: null, cause, expires: null, expired: false };
  at.upkeep.start();
  await settled();
  assert.deepEqual(at.checks, [{ outcome: 'offline', error: null, cause, expired: false, automatic: true }]);
  assert.deepEqual(at.upkeep.journal.lastCheck.error, cause);
});

test('an update is broadcast to the other tabs of the channel only', async () => {
  const [one, two, other] = [open({ every: 0 }), open({ every: 0 }), open({ channel: 'T_2', every: 0 })];
  one.result = { outcome: 'updated', model: { stored: true, releaseSeq: 7 } };
  await one.upkeep.sync(() => undefined, never);
  await settled();
  assert.deepEqual([one.log, two.log, other.log], [['sync'], ['refresh'], []]);
});

test('an update that could not be stored is not broadcast', async () => {
  const [one, two] = [open({ every: 0 }), open({ every: 0 })];
  one.result = { outcome: 'updated', model: { stored: false, releaseSeq: 7 } };
  await one.upkeep.sync(() => undefined, never);
  await settled();
  assert.deepEqual(two.log, []);
});

test('a clear aborts the syncs of all tabs, and stops automatic checks until the next sync', async () => {
  const [one, two] = [open(), open()];
  two.gate = new Promise(() => undefined);
  two.upkeep.start();
  await settled();
  const joined = two.upkeep.sync(() => undefined, never);
  await one.upkeep.clear(never);
  await assert.rejects(joined, { code: 'ABORTED' });
  await settled();
  assert.deepEqual([one.log, two.log], [['clear'], ['sync', 'unload']]);
  assert.deepEqual([one.upkeep.nextCheckAt, two.upkeep.nextCheckAt], [null, null]);
  assert.deepEqual(two.checks, []);

  one.result = { outcome: 'updated', model: { stored: true, releaseSeq: 7 } };
  await one.upkeep.sync(() => undefined, never);
  await settled();
  assert.ok(one.upkeep.nextCheckAt > Date.now());
  assert.deepEqual(two.log, ['sync', 'unload'], 'a tab that was cleared takes a model that nobody asked it for');
});

test('an aborted sync is not reported, and not retried at once', async () => {
  const at = open();
  at.gate = new Promise(() => undefined);
  at.upkeep.start();
  const controller = new AbortController();
  const sync = at.upkeep.sync(() => undefined, controller.signal);
  controller.abort();
  await assert.rejects(sync, { code: 'ABORTED' });
  await settled();
  assert.deepEqual([at.log, at.checks], [['sync'], []]);
});

test('a sync that ends after dispose is not reported', async () => {
  const [one, two] = [open({ every: 0 }), open({ every: 0 })];
  let end;
  one.gate = new Promise((resolve) => (end = resolve));
  one.result = { outcome: 'updated', model: { stored: true, releaseSeq: 7 } };
  const sync = one.upkeep.sync(() => undefined, never);
  one.upkeep.dispose();
  end();
  assert.equal((await sync).outcome, 'updated');
  await settled();
  assert.deepEqual([one.checks, two.log], [[], []]);
});

test('an exception in a listener does not end the sync', async () => {
  const heard = [];
  const { queueMicrotask } = globalThis;
  define('queueMicrotask', (call) => {
    queueMicrotask(() => {
      try {
        call();
      } catch (error) {
        heard.push(error.message);
      }
    });
  });
  const onProgress = () => {
    throw new Error('of the app');
  };
  const at = open({ every: 0, options: { onProgress } });
  const result = await at.upkeep.sync(() => undefined, never);
  define('queueMicrotask', queueMicrotask);
  assert.equal(result.outcome, 'current');
  assert.deepEqual(heard, ['of the app']);
});
