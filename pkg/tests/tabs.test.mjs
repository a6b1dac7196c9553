import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { source } from './source.mjs';

const { exclusive } = await source('browser/lock');
const { Tabs } = await source('upkeep/tabs');
const never = new AbortController().signal;
const nodes = { navigator: globalThis.navigator, BroadcastChannel: globalThis.BroadcastChannel };

function browserHas(parts) {
  for (const [name, value] of Object.entries(parts))
    Object.defineProperty(globalThis, name, { value, configurable: true });
}
afterEach(() => browserHas(nodes));

/** Web Locks, as far as they are used. */
function locks() {
  const queues = new Map();
  return {
    async request(name, { signal }, run) {
      signal.throwIfAborted();
      const before = queues.get(name) ?? Promise.resolve();
      let free;
      const held = new Promise((resolve) => (free = resolve));
      queues.set(
        name,
        before.then(() => held),
      );
      try {
        await Promise.race([
          before,
          new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
        ]);
        return await run();
      } finally {
        free();
      }
    },
  };
}

for (const [name, navigator] of [
  ['with Web Locks', { locks: locks() }],
  ['without', {}],
]) {
  test(`${name}: the result and the error are those of what runs`, async () => {
    browserHas({ navigator });
    assert.equal(await exclusive('T_1', never, async () => 42), 42);
    await assert.rejects(
      exclusive('T_1', never, async () => Promise.reject(new Error('mine'))),
      /mine/,
    );
  });
}

test('one at a time by one name, and nobody waits for another name', async () => {
  browserHas({ navigator: { locks: locks() } });
  const log = [];
  let open;
  const first = exclusive('T_1', never, async () => {
    log.push('first');
    await new Promise((resolve) => (open = resolve));
  });
  const second = exclusive('T_1', never, async () => log.push('second'));
  await exclusive('T_2', never, async () => log.push('other'));
  assert.deepEqual(log, ['first', 'other']);
  open();
  await Promise.all([first, second]);
  assert.deepEqual(log, ['first', 'other', 'second']);
});

test('who waits can abort', async () => {
  browserHas({ navigator: { locks: locks() } });
  let open;
  const first = exclusive('T_1', never, () => new Promise((resolve) => (open = resolve)));
  const controller = new AbortController();
  let ran = false;
  const second = exclusive('T_1', controller.signal, async () => (ran = true));
  controller.abort();
  await assert.rejects(second, { code: 'ABORTED' });
  open();
  await first;
  assert.ok(!ran);
});

test('where the browser refuses locks, it runs all the same, once', async () => {
  browserHas({ navigator: { locks: { request: () => Promise.reject(new DOMException('blocked', 'SecurityError')) } } });
  let runs = 0;
  assert.equal(await exclusive('T_1', never, async () => (runs += 1)), 1);
  assert.equal(runs, 1);
});

test('tabs of one channel hear each other, and no other channel', async () => {
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

test('without a BroadcastChannel nobody hears, and nothing breaks', () => {
  browserHas({ BroadcastChannel: undefined });
  const alone = new Tabs('jicho a', () => assert.fail('heard something'));
  alone.tell({ type: 'cleared' });
  alone.close();
});
