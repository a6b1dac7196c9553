// What a shop can publish besides a newer model: a rollback, a candidate, a signed release. The companion publishes them.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, beforeEach, describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { EASY, jicho } from './harness/companion.mjs';
import { temporary } from './harness/shop.mjs';
import { metadataOf, stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();
const folder = temporary(after);

let models;
let count = 0;
beforeEach(() => {
  models = join(folder, `models-${(count += 1)}`);
  at.publish(models);
});

/** Trains with few or all products, and returns the current metadata.json. */
async function train(photos, ...more) {
  await jicho('train', at.photos[photos], '--channel', 'T_1', ...EASY, '--out', models, ...more);
  return metadataOf(models);
}

/** Opens the channel unless it is open, syncs, and returns what answers. */
const sync = async ({ start, outcome, photo, args }) => {
  globalThis.eye ??= await start(args.options);
  const { value, error } = await outcome(globalThis.eye.sync());
  const seen = await outcome(globalThis.eye.recognize(photo));
  return {
    said: value?.outcome ?? error.code,
    version: seen.value?.version,
    candidate: globalThis.eye.model?.candidate,
  };
};

test('a rollback reaches the device', options, async () => {
  const old = await train('fewer');
  const bad = await train('all');
  assert.equal((await at.inPage(sync)).version, bad.version);
  await jicho('rollback', join(models, 'T_1'));
  assert.deepEqual(await at.inPage(sync), { said: 'updated', version: old.version, candidate: false });
  assert.equal((await at.inPage(sync)).said, 'current');
});

describe('a candidate', options, () => {
  /** The number of a device whose place in the channel is below a half, or above. (docs/formats/metadata.md) */
  function deviceNumber(below) {
    for (let n = 0; ; n++) {
      const number = Buffer.alloc(16, n);
      const place = createHash('sha256').update(number).update('T_1').digest().readUInt32BE() / 2 ** 32;
      if (place < 0.5 === below) return [...number];
    }
  }
  const giveNumber = (number) =>
    at.inPage(async ({ args }) => (await import('/pages/store.js')).setDevice(args.number), { number });

  for (const [takes, ends] of [
    [true, 'promote'],
    [true, 'withdraw'],
    [false, 'promote'],
    [false, 'withdraw'],
  ]) {
    const who = takes ? 'a device below the share takes it' : 'a device above the share does not';
    test(`${who}, until the shop says ${ends}`, async () => {
      const old = await train('fewer');
      assert.equal((await at.inPage(sync)).version, old.version);
      await giveNumber(deviceNumber(takes));
      await train('all', '--canary', '50%');
      const { version } = metadataOf(models).candidate;
      assert.deepEqual(await at.inPage(sync), {
        said: takes ? 'updated' : 'current',
        version: takes ? version : old.version,
        candidate: takes,
      });
      // Opened again, as after a restart.
      await at.page.reload();
      assert.equal((await at.inPage(sync)).said, 'current');

      await jicho(ends, join(models, 'T_1'));
      const last = await at.inPage(sync);
      assert.deepEqual([last.version, last.candidate], [ends === 'promote' ? version : old.version, false]);
    });
  }
});

describe('where the app pins a key', options, () => {
  const KEY = join(folder, 'key');
  const OTHER = join(folder, 'other-key');
  let pinned;

  test('a release that it signed is taken, and from then on no other', async () => {
    pinned = (await jicho('keygen', KEY)).match(/[0-9a-f]{64}/)[0];
    await jicho('keygen', OTHER);
    const trusting = { options: { keys: [pinned] } };

    await train('fewer');
    assert.deepEqual(await at.inPage(sync, trusting), {
      said: 'BAD_SIGNATURE',
      version: undefined,
      candidate: undefined,
    });
    const { version } = await train('fewer', '--sign', KEY);
    assert.deepEqual(await at.inPage(sync), { said: 'updated', version, candidate: false });
    const good = readFileSync(join(models, 'T_1/latest/metadata.json'), 'utf8');

    await train('all', '--sign', OTHER);
    assert.deepEqual(await at.inPage(sync), { said: 'BAD_SIGNATURE', version, candidate: false });
    await train('all', '--unsigned');
    assert.deepEqual(await at.inPage(sync), { said: 'BAD_SIGNATURE', version, candidate: false });
    const forged = good.replace(/"releaseSeq": *\d+/, '"releaseSeq": 4000000000');
    assert.notEqual(forged, good);
    at.web.misbehave = (path, response) => path.endsWith('/latest/metadata.json') && Boolean(response.end(forged));
    assert.deepEqual(await at.inPage(sync), { said: 'BAD_SIGNATURE', version, candidate: false });
    at.web.misbehave = undefined;

    const next = await train('all', '--sign', KEY);
    assert.deepEqual(await at.inPage(sync), { said: 'updated', version: next.version, candidate: false });
  });

  test('what was stored before is not loaded', async () => {
    await train('fewer');
    assert.equal((await at.inPage(sync)).said, 'updated');
    await at.page.reload();
    const state = await at.inPage(async ({ start, args }) => (await start({ keys: [args.pinned] })).state, { pinned });
    assert.equal(state, 'absent');
  });
});
