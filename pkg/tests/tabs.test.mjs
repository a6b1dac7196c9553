import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { source } from './source.mjs';

const { ifUnlocked, withLock } = await source('browser/lock');
const { Tabs } = await source('upkeep/tabs');
const nodes = { navigator: globalThis.navigator, BroadcastChannel: globalThis.BroadcastChannel };

function browserHas(parts) {
  for (const [name, value] of Object.entries(parts))
    Object.defineProperty(globalThis, name, { value, configurable: true });
}
afterEach(() => browserHas(nodes));

/** A fake of Web Locks with the options that the package uses. */
function locks() {
  const held = new Map();
  const queues = new Map();
  const next = (name) => queues.get(name)?.shift()?.();
  return {
    request(name, { signal, steal, ifAvailable }, run) {
      return new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason);
        const grant = () => {
          signal?.removeEventListener('abort', leave);
          const stolen = () => reject(new DOMException('stolen', 'AbortError'));
          held.set(name, stolen);
          Promise.resolve(run({}))
            .then(resolve, reject)
            .finally(() => {
              if (held.get(name) !== stolen) return;
              held.delete(name);
              next(name);
            });
        };
        const queue = queues.get(name) ?? [];
        queues.set(name, queue);
        const leave = () => {
          queue.splice(queue.indexOf(grant), 1);
          reject(signal.reason);
        };
        if (held.has(name) && ifAvailable) return resolve(run(null));
        if (steal) held.get(name)?.();
        if (!held.has(name) || steal) return grant();
        queue.push(grant);
        signal?.addEventListener('abort', leave);
      });
    },
  };
}

for (const [name, navigator] of [
  ['with Web Locks', { locks: locks() }],
  ['without', {}],
]) {
  test(`${name}: a lock passes on the result or the error of what runs`, async () => {
    browserHas({ navigator });
    assert.equal(await withLock('T_1', {}, async () => 42), 42);
    await assert.rejects(
      withLock('T_1', {}, async () => Promise.reject(new Error('mine'))),
      /mine/,
    );
  });
}

test('holders of one name run one after another; another name is independent', async () => {
  browserHas({ navigator: { locks: locks() } });
  const log = [];
  let open;
  const first = withLock('T_1', {}, async () => {
    log.push('first');
    await new Promise((resolve) => (open = resolve));
  });
  const second = withLock('T_1', {}, async () => log.push('second'));
  await withLock('T_2', {}, async () => log.push('other'));
  assert.deepEqual(log, ['first', 'other']);
  open();
  await Promise.all([first, second]);
  assert.deepEqual(log, ['first', 'other', 'second']);
});

test('waiting for a lock can be aborted', async () => {
  browserHas({ navigator: { locks: locks() } });
  let open;
  const first = withLock('T_1', {}, () => new Promise((resolve) => (open = resolve)));
  const controller = new AbortController();
  let ran = false;
  const second = withLock('T_1', { signal: controller.signal }, async () => (ran = true));
  controller.abort();
  await assert.rejects(second, { code: 'ABORTED' });
  open();
  await first;
  assert.ok(!ran);
});

test('a lock that another holds is left alone where only a free one is wanted', async () => {
  browserHas({ navigator: { locks: locks() } });
  let open;
  const first = withLock('T_1', {}, () => new Promise((resolve) => (open = resolve)));
  let runs = 0;
  await ifUnlocked('T_1', async () => void (runs += 1));
  assert.equal(runs, 0);
  open();
  await first;
  await ifUnlocked('T_1', async () => void (runs += 1));
  assert.equal(runs, 1);
});

test('the lock of a tab that gives no sign of life is taken over, and what that tab was doing goes on', async () => {
  browserHas({ navigator: { locks: locks() } });
  let thaw;
  const log = [];
  // It holds the lock without a sign of life, as a frozen tab does.
  const frozen = withLock('T_1', {}, () => new Promise((resolve) => (thaw = () => resolve('thawed'))));
  const second = withLock('T_1', { patience: 20 }, async () => log.push('second'));
  await second;
  assert.deepEqual(log, ['second']);
  thaw();
  assert.equal(await frozen, 'thawed');
});

test('a lock whose holder is alive is waited for, however long it takes', async () => {
  browserHas({ navigator: { locks: locks() } });
  const log = [];
  const patience = 200;
  let beats = 0;
  let open;
  const line = new BroadcastChannel('T_1 alive');
  const lived = new Promise((resolve) => (line.onmessage = () => (beats += 1) > 12 && resolve()));
  const first = withLock('T_1', { patience }, async () => {
    await new Promise((resolve) => (open = resolve));
    log.push('first');
  });
  const second = withLock('T_1', { patience }, async () => log.push('second'));
  await lived;
  open();
  await Promise.all([first, second]);
  line.close();
  assert.deepEqual(log, ['first', 'second']);
});

test('where the browser refuses locks, the work runs once all the same', async () => {
  browserHas({ navigator: { locks: { request: () => Promise.reject(new DOMException('blocked', 'SecurityError')) } } });
  let runs = 0;
  assert.equal(await withLock('T_1', {}, async () => (runs += 1)), 1);
  assert.equal(runs, 1);
});

test('tabs get messages of their own channel only', async () => {
  const heard = { one: [], two: [], other: [] };
  let arrived;
  const done = new Promise((resolve) => (arrived = resolve));
  const one = new Tabs('jicho a', (message) => heard.one.push(message));
  const two = new Tabs('jicho a', (message) => (heard.two.push(message), arrived()));
  const other = new Tabs('jicho b', (message) => heard.other.push(message));
  one.tell({ type: 'updated' });
  await done;
  await new Promise(setImmediate);
  assert.deepEqual(heard, { one: [], two: [{ type: 'updated' }], other: [] });
  for (const tab of [one, two, other]) tab.close();
});

test('without a BroadcastChannel messages are dropped silently', () => {
  browserHas({ BroadcastChannel: undefined });
  const alone = new Tabs('jicho a', () => assert.fail('heard something'));
  alone.tell({ type: 'cleared' });
  alone.close();
});
