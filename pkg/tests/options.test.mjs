import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { source } from './source.mjs';

const { settingsOf, checkInterval, productsOf, signalOf, tokenOf } = await source('channel/options');
const { VERSION } = await source('api/version');
const base = { channel: 'T_1', models: 'https://shop.example/models' };

test('options that are left out have defaults', () => {
  assert.deepEqual(settingsOf(base), {
    channel: 'T_1',
    models: 'https://shop.example/models/',
    wasm: undefined,
    keys: undefined,
    threshold: undefined,
    products: null,
    stallSeconds: 30,
    quality: true,
    hasToken: false,
    inVault: false,
  });
  assert.equal(checkInterval(base), 30 * 60_000);
  assert.equal(checkInterval({ ...base, checkEveryMinutes: 0 }), 0);
});

test('settings can be posted to a worker, and contain no token', () => {
  const settings = settingsOf({ ...base, token: () => 'secret', keys: ['ab'], products: ['apple'], stallSeconds: 5 });
  assert.deepEqual(structuredClone(settings), settings);
  assert.equal(settings.hasToken, true);
  assert.ok(!JSON.stringify(settingsOf({ ...base, token: 'secret' })).includes('secret'));
});

test('an option of a wrong type is refused by its name', () => {
  const wrong = {
    ...{
      keys: 'ab',
      threshold: 0,
      products: 'apple',
      stallSeconds: 0,
      quality: 'good',
      token: 7,
      worker: '/worker.js',
      signal: {},
    },
    ...{ onModel: 'log', onCheck: 1, onProgress: {}, onTaught: true, vault: {}, wasm: '/wasm/jicho_bg.wasm' },
  };
  for (const [name, value] of Object.entries(wrong)) {
    const message = name === 'products' ? /product ids/ : new RegExp(`"${name}"`);
    assert.throws(
      () => settingsOf({ ...base, [name]: value }),
      (e) => e.code === 'INVALID_ARGUMENT' && message.test(e.message),
    );
  }
  const secret = { ...base, models: 'https://me:secret@shop.example/' };
  assert.throws(
    () => settingsOf(secret),
    (e) => e.code === 'INVALID_ARGUMENT' && !e.message.includes('secret'),
  );
  for (const checkEveryMinutes of [-1, NaN, Infinity, '5']) {
    assert.throws(() => checkInterval({ ...base, checkEveryMinutes }), { code: 'INVALID_ARGUMENT' });
  }
  assert.throws(() => productsOf([1]), { code: 'INVALID_ARGUMENT' });
});

test('a models address that cannot be right is refused, instead of the outcome absent', () => {
  const addresses = [
    ...[
      undefined,
      null,
      '',
      7,
      {},
      NaN,
      'undefined',
      '/undefined/models',
      '/shop/null/',
      'https://undefined/models',
      `/${{}}/`,
    ],
    ...['/models/T_1/latest/metadata.json', '/models/T_1/latest/', '/models/blobs', '/models/index.html'],
  ];
  for (const models of addresses) {
    assert.throws(
      () => settingsOf({ ...base, models }),
      { code: 'INVALID_ARGUMENT', message: /"models"/ },
      String(models),
    );
  }
  for (const models of ['https://a.example/undefined-shop/', new URL('https://a.example/x')])
    settingsOf({ ...base, models });
});

test('options of a call must be an object, and its signal an AbortSignal', () => {
  assert.equal(signalOf(undefined), undefined);
  assert.equal(signalOf({}), undefined);
  const { signal } = new AbortController();
  assert.equal(signalOf({ signal }), signal);
  for (const options of [null, 'x', 7, { signal: null }, { signal: {} }, { signal: new AbortController() }]) {
    assert.throws(() => signalOf(options), { code: 'INVALID_ARGUMENT' });
  }
});

test('a token function that never answers counts as no network', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const given = tokenOf(() => new Promise(() => undefined), 30_000)(false);
  t.mock.timers.tick(30_000);
  await assert.rejects(given, { code: 'NETWORK', message: /no token within 30 seconds/ });
});

test('a token is a string, or a function returns it', async () => {
  assert.equal(await tokenOf('abc', 1000)(false), 'abc');
  assert.equal(await tokenOf(({ refresh }) => `fresh ${refresh}`, 1000)(true), 'fresh true');
  assert.equal(await tokenOf(async () => null, 1000)(false), null);
  await assert.rejects(tokenOf(() => 7, 1000)(false), { code: 'INVALID_ARGUMENT' });
});

test('a failing token function means no network (TypeError) or not logged in; its message is not repeated', async () => {
  const failing = (error) => tokenOf(() => Promise.reject(error), 1000)(false);
  await assert.rejects(failing(new TypeError('Failed to fetch')), { code: 'NETWORK' });
  const refused = (e) => e.code === 'UNAUTHORIZED' && !e.message.includes('secret');
  await assert.rejects(failing(new Error('secret')), refused);
});

test('VERSION is the version of package.json', () => {
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  assert.equal(VERSION, version);
});
