// Several pages of one device: the same channel in two of them, and different channels side by side.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { EASY, jicho } from './harness/companion.mjs';
import { metadataOf, stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

const blobs = () => at.web.requests.filter((path) => path.includes('/blobs/'));

/** Opens the channel in a page, as its global `eye`. */
const open = (page, opening = {}) =>
  at.inPage(
    async ({ start, args }) => {
      for (const name of args.without ?? []) {
        if (name === 'locks') Object.defineProperty(navigator, 'locks', { value: undefined });
        else delete globalThis[name];
      }
      globalThis.told = [];
      const onModel = (model) => globalThis.told.push(model?.version ?? null);
      globalThis.eye = await start({ onModel, ...args.options });
      return globalThis.eye.state;
    },
    opening,
    page,
  );
const sync = (page) => page.evaluate(async () => (await globalThis.eye.sync()).outcome);
const answers = (page, version) =>
  page.waitForFunction((version) => (globalThis.eye.model?.version ?? null) === version, version);

for (const worker of [true, false]) {
  describe(`two tabs with one channel, ${worker ? 'in workers' : 'in the pages'}`, options, () => {
    test('at once: one downloads, both have the model; then one updates, and both switch', async () => {
      const tabs = [at.page, await at.newPage()];
      for (const tab of tabs) await open(tab, { options: { worker } });
      at.web.requests.length = 0;
      assert.deepEqual(await Promise.all(tabs.map(sync)), ['updated', 'updated']);
      assert.equal(blobs().length, new Set(blobs()).size, 'downloaded twice');

      at.publish(at.newer);
      at.web.requests.length = 0;
      assert.equal(await sync(tabs[0]), 'updated');
      await answers(tabs[1], at.second.version);
      assert.equal(blobs().length, 1);
      assert.deepEqual(await tabs[1].evaluate(() => globalThis.told), [at.first.version, at.second.version]);
    });

    test('one that is closed while it downloads leaves the way to the other', async () => {
      const second = await at.newPage();
      await open(at.page, { options: { worker } });
      await open(second, { options: { worker } });
      at.web.misbehave = (path, response) => {
        if (!path.includes('/blobs/')) return false;
        response.writeHead(200, { 'Content-Length': 1_000_000 });
        return response.write('some');
      };
      await second.evaluate(
        () => new Promise((begun) => void globalThis.eye.sync({ onProgress: begun }).catch(() => undefined)),
      );
      // A tab that waits for the other one can abort.
      const code = await at.page.evaluate(async () => {
        const waiting = new AbortController();
        const sync = globalThis.eye.sync({ signal: waiting.signal }).catch((error) => error.code);
        waiting.abort();
        return sync;
      });
      assert.equal(code, 'ABORTED');
      at.web.misbehave = undefined;
      const waits = sync(at.page);
      await second.close();
      assert.equal(await waits, 'updated');
    });

    test('a logout in one reaches the other, which fetches nothing by itself', async () => {
      const second = await at.newPage();
      for (const tab of [at.page, second]) {
        await open(tab, { options: { worker } });
        await sync(tab);
      }
      await at.page.evaluate(() => globalThis.eye.clear());
      await answers(second, null);
      assert.equal(await sync(at.page), 'updated');
      assert.deepEqual(await second.evaluate(() => globalThis.told.at(-1)), null);
      assert.equal(await second.evaluate(() => globalThis.eye.state), 'absent');
      assert.equal(await sync(second), 'updated');
    });
  });
}

test('without Web Locks and BroadcastChannel each tab comes by the model itself', options, async () => {
  const tabs = [at.page, await at.newPage()];
  for (const tab of tabs) await open(tab, { options: { worker: false }, without: ['locks', 'BroadcastChannel'] });
  assert.deepEqual(await Promise.all(tabs.map(sync)), ['updated', 'updated']);
  at.publish(at.newer);
  assert.equal(await sync(tabs[0]), 'updated');
  at.web.requests.length = 0;
  assert.equal(await sync(tabs[1]), 'updated');
  assert.deepEqual(blobs(), [], 'what the other one stored is downloaded');
});

test('channels never see each other, and share files', options, async () => {
  // The same photos give the same files.
  await jicho('train', at.photos.fewer, '--channel', 'T_2', ...EASY, '--out', at.older);
  const other = metadataOf(at.older, 'T_2');
  const second = await at.newPage();
  await open(at.page);
  await open(second, { options: { channel: 'T_2' } });
  assert.equal(await sync(at.page), 'updated');
  assert.deepEqual(await second.evaluate(() => [globalThis.eye.state, globalThis.told]), ['absent', []]);
  at.web.requests.length = 0;
  assert.equal(await sync(second), 'updated');
  assert.deepEqual(blobs(), []);
  assert.deepEqual(await second.evaluate(() => [globalThis.eye.model.channel, globalThis.told]), [
    'T_2',
    [other.version],
  ]);

  // A channel of the same name in another models folder is another channel.
  at.web.mounts['/elsewhere/'] = at.newer;
  const third = await at.newPage();
  assert.equal(await open(third, { options: { models: '/elsewhere/' } }), 'absent');
  assert.equal(await sync(third), 'updated');
  assert.deepEqual(await at.page.evaluate(() => globalThis.told), [at.first.version]);

  await at.page.evaluate(() => globalThis.eye.clear());
  for (const [tab, version, channel, models] of [
    [second, other.version, 'T_2', '/models/'],
    [third, at.second.version, 'T_1', '/elsewhere/'],
  ]) {
    assert.equal(await tab.evaluate(() => globalThis.eye.model.version), version);
    await tab.reload();
    assert.equal(await open(tab, { options: { channel, models } }), 'ready');
  }
});
