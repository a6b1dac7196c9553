// Use without a network: what `jicho/precache` lists and `jicho/service-worker` keeps.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { PATIENCE } from './harness/browser.mjs';
import { stage } from './harness/stage.mjs';

const options = { timeout: 3 * PATIENCE };
const at = stage();

/** Opens, syncs and recognises a photo that needs no network, and returns the results. */
const use = (options = {}) => {
  const photo = readFileSync(join(at.photos.unseen, at.photo.slice('/photos/'.length))).toString('base64');
  return at.page.evaluate(
    async ([photo, options]) => {
      const { Jicho } = await import('/pages/probe.js');
      const eye = await Jicho.open({ channel: 'T_1', models: '/models/', checkEveryMinutes: 0, ...options });
      const { outcome } = await eye.sync();
      const seen = await eye.recognize(new Blob([Uint8Array.from(atob(photo), (c) => c.charCodeAt(0))]));
      eye.dispose();
      return { outcome, version: seen.version, label: seen.predictions[0].label };
    },
    [photo, options],
  );
};
const list = (options) =>
  at.page.evaluate(async (options) => (await import('/pkg/dist/precache.js')).precacheUrls(options), options);
const ofPackage = (paths) => new Set(paths.filter((path) => path.startsWith('/pkg/')));

test('Vault.urls() lists all that a vault fetches', options, async () => {
  await at.page.reload();
  at.web.requests.length = 0;
  const urls = await at.page.evaluate(async () => {
    const { Vault } = await import('/pkg/dist/vault.js');
    await (await Vault.open({ name: 'offline', unlock: 'device' })).close();
    return Vault.urls();
  });
  const listed = urls.map((url) => new URL(url).pathname);
  const fetched = ofPackage(at.web.requests);
  assert.ok(fetched.has('/pkg/dist/vault-worker.js') && fetched.has('/pkg/wasm/vault/jicho-vault.wasm'));
  for (const path of fetched) assert.ok(listed.includes(path), `${path} is not listed`);
  for (const url of urls) assert.equal((await fetch(url, { method: 'HEAD' })).status, 200, url);
});

describe('precacheUrls()', options, () => {
  for (const worker of [true, false]) {
    for (const [tract, models] of [
      [false, 'older'],
      [true, 'bare'],
    ]) {
      const name = `${worker ? 'in a worker' : 'in the page'}${tract ? ', with a release without a plan' : ''}`;
      test(`lists every URL that is fetched: ${name}`, async () => {
        at.publish(at[models]);
        const release = { channel: 'T_1', models: '/models/' };
        const urls = await list({ tract, release });
        await at.page.reload();
        at.web.requests.length = 0;
        assert.equal((await use({ worker })).outcome, 'updated');

        const listed = new Set(
          urls.map((url) => new URL(url)).map(({ origin, pathname }) => (assert.equal(origin, at.web.url), pathname)),
        );
        assert.equal(listed.size, urls.length);
        const fetched = [
          ...ofPackage(at.web.requests),
          ...at.web.requests.filter((path) => path.startsWith('/models/')),
        ];
        assert.ok(fetched.some((path) => path.endsWith('.wasm')));
        for (const path of fetched) assert.ok(listed.has(path), `${path} is not listed`);
        // It lists nothing else, except scripts: worker and page need different ones.
        for (const path of listed) assert.ok(path.endsWith('.js') || fetched.includes(path), `${path} is not fetched`);
      });
    }
  }

  test('lists the modules of other browsers where it is asked to, and all that it lists is there', async () => {
    const urls = await list({ builds: 'all', tract: true });
    const modules = urls.filter((url) => url.endsWith('.wasm')).map((url) => url.split('/').at(-2));
    assert.deepEqual(modules.sort(), ['relaxed', 'scalar', 'simd', 'tract']);
    for (const url of urls) assert.equal((await fetch(url, { method: 'HEAD' })).status, 200, url);
  });
});

test('a service worker serves the app and the package where nothing can be reached', options, async () => {
  at.web.mounts['/sw.js'] = fileURLToPath(new URL('pages/sw.js', import.meta.url));
  const { kept, notKept, listed } = await at.page.evaluate(async () => {
    const { precache, precacheUrls } = await import('/pkg/dist/precache.js');
    await navigator.serviceWorker.register('/sw.js', { type: 'module' });
    return { ...(await precache()), listed: await precacheUrls() };
  });
  assert.deepEqual(notKept, []);
  assert.deepEqual(kept.sort(), listed.sort());
  await at.page.reload();
  assert.equal((await use()).outcome, 'updated');

  const missed = [];
  at.web.misbehave = (path, response) => Boolean(missed.push(path) && response.destroy());
  for (const worker of [true, false]) {
    await at.page.reload();
    assert.deepEqual(await use({ worker }), { outcome: 'offline', version: at.first.version, label: at.product });
  }
  // The library itself asks for the model.
  assert.deepEqual(
    [...new Set(missed)].filter((path) => !path.startsWith('/models/') && path !== '/sw.js'),
    [],
  );

  at.web.misbehave = undefined;
  at.publish(at.newer);
  await at.page.reload();
  assert.equal((await use()).version, at.second.version);
});
