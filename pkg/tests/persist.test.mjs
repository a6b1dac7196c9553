import assert from 'node:assert/strict';
import { afterEach, test } from 'node:test';

import { source } from './source.mjs';

const nodes = { navigator: globalThis.navigator, document: globalThis.document, localStorage: undefined };
const define = (name, value) => Object.defineProperty(globalThis, name, { value, configurable: true });
afterEach(() => Object.entries(nodes).forEach(([name, value]) => define(name, value)));

/** A page whose browser counts how often it is asked, with the module as a new page has it. */
async function page(stored) {
  const asked = { times: 0 };
  define('document', {});
  define('navigator', { storage: { persist: async () => (asked.times += 1) } });
  define('localStorage', {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
  });
  return { asked, ...(await source('browser/persist')) };
}

test('the browser is asked once by all pages, channels and vaults', async () => {
  const stored = new Map();
  const first = await page(stored);
  assert.equal(first.askedToPersist(), false);
  first.askToPersist();
  first.askToPersist();
  assert.equal(first.askedToPersist(), true);
  assert.equal(first.asked.times, 1);
  const second = await page(stored);
  second.askToPersist();
  assert.equal(second.asked.times, 0);
});

test('where nothing can be stored, a page asks once', async () => {
  const { asked, askToPersist, askedToPersist } = await page(new Map());
  define('localStorage', { getItem: () => assert.fail('blocked'), setItem: () => assert.fail('blocked') });
  askToPersist();
  askToPersist();
  assert.equal(asked.times, 1);
  assert.equal(askedToPersist(), true);
});
