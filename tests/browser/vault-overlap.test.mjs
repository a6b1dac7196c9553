// Calls that change a vault as a whole, at the same time, over the browser's own database; and what comes from elsewhere.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { vaults } from './harness/vaults.mjs';

const options = { timeout: 3 * PATIENCE };
const at = vaults();

for (const worker of [true, false]) {
  describe(worker ? 'with a worker' : 'in the page', options, () => {
    test('two relocks at once leave a vault that one of the locks opens, with all that is in it', async () => {
      const seen = await at.inPage(
        async ({ open, codeOf, args }) => {
          const key = Uint8Array.from({ length: 32 }, (_, i) => i * 7 + 1);
          const rounds = [];
          for (let round = 0; round < 24; round += 1) {
            const vault = await open({ ...args, unlock: 'device' });
            const other = round % 2 === 0 ? vault : await open({ ...args, unlock: 'device' });
            await vault.add({ kind: 'sale', order: round });
            const byKey = () => codeOf(vault.relock({ key: key.slice() }));
            const byDevice = () => codeOf(other.relock('device'));
            const calls = round % 3 === 0 ? [byKey, byDevice] : [byDevice, byKey];
            const codes = await Promise.all(calls.map((call) => call()));
            await Promise.all([vault.close(), other.close()]);
            const opened = [];
            for (const unlock of ['device', { key: key.slice() }]) {
              const again = await open({ ...args, unlock }).catch(({ code }) => code);
              if (typeof again === 'string') continue;
              const { records } = await again.list({ kind: 'sale' });
              opened.push(records.map(({ order }) => order));
              await again.destroy();
              break;
            }
            rounds.push({ codes, opened });
          }
          return rounds;
        },
        { worker },
      );
      seen.forEach(({ codes, opened }, round) => {
        assert.deepEqual(opened, [[round]], `round ${round} opens by one lock: ${codes}`);
      });
    });

    test('a vault that is made anew while another tab relocks the old one keeps its key', async () => {
      const seen = await at.inPage(
        async ({ open, Vault, args }) => {
          const rounds = [];
          for (let round = 0; round < 12; round += 1) {
            const old = await open({ ...args, unlock: 'device' });
            const relocked = old.relock({ key: new Uint8Array(32).fill(round + 1) }).catch(({ code }) => code);
            await Vault.destroy('shop', args);
            const made = await open({ ...args, unlock: 'device' });
            await made.add({ kind: 'sale', order: round });
            await relocked;
            await Promise.all([old.close(), made.close()]);
            const again = await open({ ...args, unlock: 'device' });
            rounds.push((await again.list({ kind: 'sale' })).records.map(({ order }) => order));
            await again.destroy();
          }
          return rounds;
        },
        { worker },
      );
      assert.deepEqual(
        seen,
        Array.from({ length: 12 }, (_, round) => [round]),
      );
    });

    test('an import is held to what this device allows, and an abort ends it', async () => {
      const photo = [...readFileSync(new URL('../vault/fixtures/with-gps.jpg', import.meta.url))];
      const seen = await at.inPage(
        async ({ open, codeOf, bytesOf, passphrase, args }) => {
          const { photo, ...options } = args;
          const source = await open({ ...options, name: 'source', precision: 12, allowPrecise: true });
          const place = { latitude: -1.2921, longitude: 36.8219 };
          const id = await source.add({ kind: 'scan', thumbnail: Uint8Array.from(photo) }, { place });
          const { file } = await source.export(passphrase);
          const vault = await open(options);
          const abort = new AbortController();
          const aborted = codeOf(vault.import(file, passphrase, { signal: abort.signal }));
          abort.abort();
          const codes = [await aborted, await codeOf(vault.import(file, passphrase, { signal: abort.signal }))];
          const before = (await vault.diagnose()).records.scan;
          const imported = await vault.import(file, passphrase);
          const { geohash, thumbnail } = await vault.get(id);
          const picture = await createImageBitmap(thumbnail);
          const text = String.fromCharCode(...(await bytesOf(thumbnail)));
          return {
            codes,
            before,
            imported,
            fine: (await source.get(id)).geohash,
            geohash,
            size: [picture.width, picture.height],
            tells: ['GPS', 'taken at', '36.82'].filter((word) => text.includes(word)),
            map: await codeOf(vault.add({ kind: 'sale', order: { lines: new Map([['tea', 1]]) } })),
            sales: (await vault.list({ kind: 'sale' })).records,
          };
        },
        { worker, photo },
      );
      assert.deepEqual(seen.codes, ['ABORTED', 'ABORTED']);
      assert.deepEqual([seen.before, seen.imported], [0, { added: 1, present: 0, leftOut: 0 }]);
      assert.ok(seen.fine.length === 12 && seen.geohash === seen.fine.slice(0, 6), seen.geohash);
      // The photo lies on its side, which is all that is kept beside its pixels.
      assert.deepEqual([seen.size, seen.tells], [[16, 24], []]);
      assert.deepEqual([seen.map, seen.sales], ['INVALID_ARGUMENT', []]);
    });
  });
}
