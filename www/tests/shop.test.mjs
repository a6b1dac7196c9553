// What the owner's page decides by itself: addresses, roles, prices, estimates, comparisons and the steps of the set-up.
import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { readRoute, hashOf, readLink, uploadLink } = await source('shop/route');
const { may } = await source('shop/roles');
const { priceText } = await source('shop/price');
const { secondsLeft } = await source('shop/estimate');
const { differences, intervalOf } = await source('shop/compare');
const { daysOf } = await source('shop/series');
const { doneOf, nextOf } = await source('shop/steps');

test('an address names channel, view and product, and an odd one the overview', () => {
  const hash = hashOf('T_1', 'products', 'grüner/apfel');
  assert.deepEqual(readRoute(hash), { channel: 'T_1', view: 'products', item: 'grüner/apfel' });
  assert.deepEqual(readRoute(hashOf('T_1')), { channel: 'T_1', view: 'overview', item: '' });
  assert.deepEqual(readRoute(''), { channel: null, view: 'overview', item: '' });
  assert.deepEqual(readRoute('#/T_1/nonsense/x'), { channel: 'T_1', view: 'overview', item: '' });
  assert.deepEqual(readRoute('#/%E0%A4/products'), { channel: null, view: 'products', item: '' });
});

test('a link carries its secret, and for a phone the product', () => {
  assert.deepEqual(readLink('#link=abc'), { link: 'abc', product: '', name: '' });
  const url = uploadLink('https://shop.example/shop/#link=abc', 'apple', 'Apple & Co');
  assert.deepEqual(readLink(new URL(url).hash), { link: 'abc', product: 'apple', name: 'Apple & Co' });
  assert.equal(readLink('#/T_1/products'), null);
});

test('roles may what the service lets them', () => {
  assert.ok(may('operator', 'edit') && !may('operator', 'train'));
  assert.ok(may('supervisor', 'train') && !may('supervisor', 'audit'));
  assert.ok(may('quality', 'audit') && !may('quality', 'edit'));
  assert.ok(may('uploader', 'upload') && !may('uploader', 'read'));
  assert.ok(!may(undefined, 'read'));
});

test('prices are decimal text, with a comma or a point', () => {
  assert.equal(priceText(' 2,50 '), '2.50');
  assert.equal(priceText('120'), '120');
  assert.equal(priceText(''), '');
  for (const typed of ['two', '-1', '1.23456', '1.2.3', '1e5']) assert.equal(priceText(typed), null, typed);
});

test('the time left is by its own pace, before that by the last training, and else not told', () => {
  assert.equal(secondsLeft({ percent: 50, elapsed: 30_000, last: 10 }), 30);
  assert.equal(secondsLeft({ percent: 5, elapsed: 4000, last: 60 }), 56);
  assert.equal(secondsLeft({ percent: 5, elapsed: 4000, last: null }), null);
  // The last one was faster, so nothing is known until this one's pace is.
  assert.equal(secondsLeft({ percent: 5, elapsed: 90_000, last: 60 }), null);
  assert.equal(secondsLeft({ percent: 100, elapsed: 4000, last: 60 }), 0);
});

test('a comparison names what became better or worse by more than a photo, the largest first', () => {
  const recall = (share) => ({ hits: share * 100, of: 100, share });
  const products = [
    { product: 'same', a: recall(0.9), b: recall(0.91) },
    { product: 'better', a: recall(0.5), b: recall(0.7) },
    { product: 'best', a: recall(0.5), b: recall(0.9) },
    { product: 'worse', a: recall(0.8), b: recall(0.6) },
    { product: 'new', a: null, b: recall(1) },
  ];
  const { better, worse } = differences({ products });
  assert.deepEqual(
    better.map(({ product }) => product),
    ['best', 'better'],
  );
  assert.deepEqual(worse, [{ product: 'worse', before: 0.8, after: 0.6 }]);
});

test('an interval is told where both its ends are there', () => {
  assert.deepEqual(intervalOf({ interval: [0.8, 0.95] }), [0.8, 0.95]);
  for (const metrics of [{}, { interval: null }, { interval: [0.8] }, { interval: ['a', 'b'] }]) {
    assert.equal(intervalOf(metrics), null);
  }
});

test('the counts of a day are of all its releases, oldest day first', () => {
  const day = (day, matched, corrected) => ({ day, matched, unsure: 1, unknown: 2, confirmed: 0, corrected });
  const days = [day('2026-11-30', 10, 1), day('2026-11-29', 5, 0), day('2026-11-30', 20, 2)];
  assert.deepEqual(daysOf({ days }), [
    { time: Date.UTC(2026, 10, 29) / 1000, answers: 8, corrected: 0 },
    { time: Date.UTC(2026, 10, 30) / 1000, answers: 36, corrected: 3 },
  ]);
});

test('the set-up goes on where what exists ends', () => {
  const products = (...photos) => photos.map((count) => ({ photos: count }));
  const untrained = { version: null };
  assert.equal(nextOf({ products: [], status: untrained, tried: false }), 'products');
  assert.equal(nextOf({ products: products(0, 0), status: untrained, tried: false }), 'photos');
  assert.equal(nextOf({ products: products(3, 3, 2), status: untrained, tried: false }), 'photos');
  assert.equal(nextOf({ products: products(3, 4), status: untrained, tried: false }), 'train');
  const trained = { version: '2026-12-01' };
  assert.equal(nextOf({ products: products(3, 4), status: trained, tried: false }), 'try');
  assert.equal(nextOf({ products: products(3, 4), status: trained, tried: true }), 'install');
  // A product that was added later asks for its photos, whatever is trained.
  assert.ok(!doneOf({ products: products(3, 4, 0), status: trained, tried: true }).has('photos'));
});
