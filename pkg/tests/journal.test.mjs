import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { Journal } = await source('upkeep/journal');
const KEY = 'jicho https://shop.example/models/T_1';

function storage() {
  const items = new Map();
  return {
    items,
    getItem: (key) => items.get(key) ?? null,
    setItem: (key, value) => void items.set(key, value),
    removeItem: (key) => void items.delete(key),
  };
}

const open = (on) => new Journal(KEY, on, () => Date.UTC(2025, 0, 2));

test('what one page wrote, the next one reads', () => {
  const on = storage();
  const first = open(on);
  first.measures.inference(12, 0.9);
  const error = { code: 'HASH_MISMATCH', message: 'other bytes' };
  first.checked('failed', error);
  first.write();
  const next = open(on);
  assert.equal(next.report.inferences.count, 1);
  assert.deepEqual(next.lastCheck, { at: '2025-01-02T00:00:00.000Z', outcome: 'failed', error });
  next.checked('current', null);
  assert.equal(next.lastCheck.outcome, 'current');
});

test('the measures of two tabs are added', () => {
  const on = storage();
  const tabs = [open(on), open(on)];
  for (const [i, tab] of tabs.entries()) for (let n = 0; n <= i; n += 1) tab.measures.error('NETWORK');
  for (const tab of tabs) tab.write();
  for (const tab of tabs) tab.write();
  tabs[0].measures.error('NETWORK');
  assert.deepEqual(tabs[0].report.errors, { NETWORK: 4 });
  assert.deepEqual(tabs[1].report.errors, { NETWORK: 3 });
});

test('a reset restarts the measures and keeps the last check', () => {
  const on = storage();
  const journal = open(on);
  journal.measures.error('NETWORK');
  journal.checked('current', null);
  journal.write();
  journal.measures.error('NETWORK');
  journal.reset();
  const next = open(on);
  assert.deepEqual(next.report.errors, {});
  assert.equal(next.lastCheck.outcome, 'current');
});

test('a cleared journal leaves nothing in the storage, now and at the next write', () => {
  const on = storage();
  const journal = open(on);
  journal.measures.error('NETWORK');
  journal.write();
  journal.measures.error('NETWORK');
  journal.clear();
  journal.write();
  assert.equal(on.items.size, 0);
  assert.deepEqual(journal.report.errors, {});
  assert.equal(journal.lastCheck, null);
});

test('nothing is written when nothing is new', () => {
  const on = storage();
  open(on).write();
  assert.equal(on.items.size, 0);
});

for (const [name, broken] of [
  ['none', undefined],
  ['full', { ...storage(), setItem: () => assert.fail('full') }],
  ['closed', { getItem: () => assert.fail(), setItem: () => assert.fail(), removeItem: () => assert.fail() }],
]) {
  test(`without usable storage (${name}) the journal stays in memory`, () => {
    const journal = open(broken);
    journal.measures.error('NETWORK');
    journal.checked('offline', null);
    journal.write();
    journal.measures.error('STORAGE');
    assert.deepEqual(journal.report.errors, { NETWORK: 1, STORAGE: 1 });
    assert.equal(journal.lastCheck.outcome, 'offline');
    journal.clear();
    assert.deepEqual(journal.report.errors, {});
  });
}

test('entries that another script has written are ignored', () => {
  for (const text of ['', 'null', '7', '{', '[]', '{"check":{"at":"soon","outcome":"current"},"measures":[]}']) {
    const on = storage();
    on.items.set(KEY, text);
    assert.deepEqual([open(on).lastCheck, open(on).report.errors], [null, {}], text);
  }
});
