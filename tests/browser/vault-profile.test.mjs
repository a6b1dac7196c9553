// What a copy of the browser's profile tells: nothing of what the vaults hold.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { launch, PATIENCE } from './harness/browser.mjs';
import { host } from './harness/host.mjs';
import { filesWith, readProfile } from './harness/profile.mjs';
import { temporary } from './harness/shop.mjs';
import { makeUnsealed } from './harness/unsealed.mjs';

const options = { timeout: 6 * PATIENCE };

/** Bytes that are nowhere by chance, and do not compress. */
const noise = (name, length) => [...createHash('shake256', { outputLength: length }).update(name).digest()];
const word = (name) => `${name} ${Buffer.from(noise(name, 9)).toString('base64url')} Kürbis`;
const floats = noise('embedding', 16).map((byte) => Math.fround(byte / 7 + 1));
const place = { latitude: -1.2920717, longitude: 36.8219462 };

const markers = {
  label: word('label'),
  attribute: word('attribute'),
  value: word('value'),
  version: word('version'),
  correction: word('correction'),
  prototype: word('prototype'),
  backbone: Buffer.from(noise('backbone', 32)).toString('hex'),
  order: word('order'),
  another: word('another'),
  thumbnail: noise('thumbnail', 64),
  large: noise('large', 64),
  embedding: floats,
  passphrase: word('passphrase'),
  exported: word('exported'),
  relocked: word('relocked'),
  key: noise('key', 32),
  place,
};

/** What records hold, as it lies in them. */
const sealed = {
  ...Object.fromEntries(
    [
      'label',
      'attribute',
      'value',
      'version',
      'correction',
      'prototype',
      'backbone',
      'order',
      'another',
      'thumbnail',
      'large',
    ].map((name) => [name, markers[name]]),
  ),
  embedding: [...new Uint8Array(Float32Array.from(floats).buffer)],
  geohash: 'kzf0tuucjs3h',
};
/** What no build writes at all. */
const secrets = {
  ...Object.fromEntries(['passphrase', 'exported', 'relocked', 'key'].map((name) => [name, markers[name]])),
  latitude: `${place.latitude}`,
  longitude: `${place.longitude}`,
  'latitude in binary': [...new Uint8Array(Float64Array.of(place.latitude).buffer)],
  'longitude in binary': [...new Uint8Array(Float64Array.of(place.longitude).buffer)],
};

/** The profile that a browser leaves after it has written the markers with the package at `from`. */
async function profileOf(web, folder, from, blunders = {}) {
  // A second start finds what the first one left, and so writes it as a table.
  for (const round of [1, 2]) {
    const context = await launch({ profile: folder });
    try {
      await visit(context, round);
    } finally {
      await context.close();
    }
  }
  return readProfile(folder);

  async function visit(context, round) {
    const page = await context.newPage();
    await page.goto(`${web.url}/pages/index.html`);
    const run = async ([from, markers, blunders, round]) => {
      const { write, blunder } = await import('/pages/profile.js');
      await blunder(blunders);
      if (round === 1) await write(from, markers);
    };
    await page.evaluate(run, [from, markers, blunders, round]);
  }
}

describe('the profile of a browser with vaults, as it lies on the disk', options, () => {
  const folder = temporary(after);
  let web;
  before(async () => {
    makeUnsealed(join(folder, 'package'));
    web = await host({ '/unsealed/': join(folder, 'package/') });
  });
  after(() => web?.close());

  const wasRead = (profile) => {
    assert.ok(profile.tables > 0, 'the database has written no table');
    assert.ok(profile.compressed > 0, 'no block was compressed');
    // The vaults' names are known to lie there.
    assert.ok(filesWith(profile, 'jicho-vault').length > 0, 'the database is not there');
  };

  test('sealed, it holds nothing of what was written', async () => {
    const profile = await profileOf(web, join(folder, 'sealed'), '/pkg/');
    wasRead(profile);
    for (const [name, marker] of Object.entries({ ...sealed, ...secrets }))
      assert.deepEqual(filesWith(profile, marker), [], name);
  });

  test('unsealed, or beside the vaults, all of it is found', async () => {
    const profile = await profileOf(web, join(folder, 'open'), '/unsealed/', secrets);
    wasRead(profile);
    for (const [name, marker] of Object.entries({ ...sealed, ...secrets }))
      assert.notDeepEqual(filesWith(profile, marker), [], name);
  });
});
