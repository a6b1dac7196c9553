import assert from 'node:assert/strict';
import { test } from 'node:test';

import { source } from './source.mjs';

const { cellOf, strength } = await source('scans/cells', 'scans/strength');

test('the cell of a geohash holds the place that it was made of', () => {
  // Nairobi; https://en.wikipedia.org/wiki/Geohash has ezs42.
  for (const [geohash, latitude, longitude] of [
    ['kzf0t', -1.2921, 36.8219],
    ['ezs42', 42.605, -5.603],
  ]) {
    const { west, south, width, height } = cellOf(geohash);
    assert.ok(west <= longitude && longitude < west + width && south <= latitude && latitude < south + height, geohash);
    assert.ok(Math.abs(width - 360 / 2 ** 13) < 1e-9 && Math.abs(height - 180 / 2 ** 12) < 1e-9);
  }
});

test('longer and more varied passphrases are stronger, and repetition adds nothing', () => {
  const meters = ['', 'secret', 'aaaaaaaaaaaaaaaaaaaa', 'correct horse battery', 'correct horse battery staple'].map(
    strength,
  );
  assert.deepEqual(meters, [0, 0, 0, 4, 4]);
});
