// What was damaged or lost is told; it never looks like a vault without scans.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { PATIENCE } from './harness/browser.mjs';
import { vaults } from './harness/vaults.mjs';

const options = { timeout: 3 * PATIENCE };
const at = vaults();

for (const worker of [true, false]) {
  describe(worker ? 'with a worker' : 'in the page', options, () => {
    test('a damaged record is told, and keeps no other out', async () => {
      const seen = await at.inPage(
        async ({ open, codeOf, everything, jpeg, passphrase, behindItsBack, done, place, args }) => {
          const vault = await open(args);
          const ids = {};
          const damages = {
            'another byte': (row) => ((row.sealed[30] ^= 1), row),
            'cut short': (row) => ({ ...row, sealed: row.sealed.slice(0, -1) }),
            empty: (row) => ({ ...row, sealed: new Uint8Array() }),
            'another time': (row) => ({ ...row, time: row.time + 1 }),
            'another key': (row) => ({ ...row, key: 77 }),
            'a key that is not there': (row) => (row.sealed.set([77, 0, 0, 0], 1), { ...row, key: 77 }),
            'a format of the future': (row) => ((row.sealed[0] = 9), row),
          };
          for (const name of [
            ...Object.keys(damages),
            'whole',
            'no thumbnail',
            'another thumbnail',
            "another one's place",
          ]) {
            ids[name] = await vault.add({ kind: 'scan', version: name, thumbnail: jpeg(50) });
          }
          await behindItsBack(async ({ rows, blobs }) => {
            const at = (name) => place('shop', ids[name]);
            for (const [name, damage] of Object.entries(damages)) rows.put(damage(await done(rows.get(at(name)))));
            blobs.delete(at('no thumbnail'));
            const blob = await done(blobs.get(at('another thumbnail')));
            blob[60] ^= 1;
            blobs.put(blob, at('another thumbnail'));
            const { sealed } = await done(rows.get(at('whole')));
            rows.put({ ...(await done(rows.get(at("another one's place")))), sealed });
          });
          const names = Object.fromEntries(Object.entries(ids).map(([name, id]) => [id, name]));
          const told = ({ damaged, records }) => ({
            damaged: Object.fromEntries(damaged.map(({ id, error }) => [names[id], error.code])),
            records: records.map(({ version }) => version).sort(),
          });
          const gets = {};
          for (const [name, id] of Object.entries(ids))
            gets[name] = (await codeOf(vault.get(id))).version ?? (await codeOf(vault.get(id)));
          const [bare, blobs] = [told(await everything(vault)), told(await everything(vault, { blobs: true }))];
          const plain = await vault.exportPlain('json');
          const { records } = await vault.export(passphrase);
          const rotation = await vault.rotate();
          const diagnosis = await vault.diagnose();
          const after = told(await everything(vault));
          for (const id of Object.keys(names)) if (names[id] !== 'whole') await vault.delete(id);
          return {
            gets,
            bare,
            blobs,
            plain: [JSON.parse(plain.text).length, plain.damaged.length],
            exported: records,
            moved: rotation.moved,
            after,
            rotating: diagnosis.rotating,
            left: told(await everything(vault, { blobs: true })),
          };
        },
        { worker },
      );
      const damaged = {
        'another byte': 'RECORD_DAMAGED',
        'cut short': 'RECORD_DAMAGED',
        empty: 'RECORD_DAMAGED',
        'another time': 'RECORD_DAMAGED',
        'another key': 'RECORD_DAMAGED',
        'a key that is not there': 'KEY_MISSING',
        'a format of the future': 'SCHEMA_TOO_NEW',
        "another one's place": 'RECORD_DAMAGED',
      };
      const ofBlobs = { 'no thumbnail': 'RECORD_DAMAGED', 'another thumbnail': 'RECORD_DAMAGED' };
      const bare = { damaged, records: ['another thumbnail', 'no thumbnail', 'whole'] };
      assert.deepEqual(seen.gets, { ...damaged, ...ofBlobs, whole: 'whole' });
      assert.deepEqual(seen.bare, bare);
      assert.deepEqual(seen.blobs, { damaged: { ...damaged, ...ofBlobs }, records: ['whole'] });
      assert.deepEqual([seen.plain, seen.exported], [[3, 8], 1]);
      assert.equal(seen.rotating, false);
      assert.ok(seen.after.records.includes('whole'));
      // What did not open is not moved, so that its key is gone with the rotation.
      assert.ok(Object.keys(damaged).every((name) => name in seen.after.damaged));
      assert.deepEqual(seen.left, { damaged: {}, records: ['whole'] });
    });

    test('records that went past the vault are counted as lost', async () => {
      const seen = await at.inPage(
        async ({ open, behindItsBack, place, args }) => {
          const vault = await open(args);
          const ids = [];
          for (let i = 0; i < 5; i++) ids.push(await vault.add({ kind: 'scan' }));
          await vault.add({ kind: 'sale', order: 1 });
          await behindItsBack(({ rows }) => ids.slice(3).forEach((id) => rows.delete(place('shop', id))));
          const { lost, records } = await vault.diagnose();
          const { lost: cleared } = await vault.compact();
          return { lost, records, cleared, then: (await vault.diagnose()).lost, gone: await vault.get(ids[3]) };
        },
        { worker },
      );
      assert.deepEqual(seen, {
        lost: 2,
        records: { scan: 3, correction: 0, lesson: 0, sale: 1 },
        cleared: 2,
        then: 0,
        gone: null,
      });
    });

    test('a damaged header opens nothing, and closes nothing for good', async () => {
      const seen = await at.inPage(
        async ({ open, codeOf, behindItsBack, done, args }) => {
          const vault = await open(args);
          const id = await vault.add({ kind: 'scan', score: 4 });
          await vault.close();
          const header = await behindItsBack(({ headers }) => done(headers.get('shop')));
          const flips = [5, 30, 60, header.length - 20, header.length - 1].map((at) =>
            header.map((byte, i) => (i === at ? byte ^ 1 : byte)),
          );
          const codes = [];
          for (const damaged of [...flips, header.slice(0, 50), new Uint8Array(), 'a header']) {
            await behindItsBack(({ headers }) => headers.put(damaged, 'shop'));
            codes.push(await codeOf(open(args)));
          }
          // Whole, as a version of the future writes it.
          const future = header.slice();
          future[4] = 9;
          future.set(
            new Uint8Array(await crypto.subtle.digest('SHA-256', future.slice(0, -16))).slice(0, 16),
            future.length - 16,
          );
          await behindItsBack(({ headers }) => headers.put(future, 'shop'));
          codes.push(await codeOf(open(args)));
          await behindItsBack(({ headers }) => headers.put(header, 'shop'));
          const again = await open(args);
          const { score } = await again.get(id);
          // While it is open, too.
          await behindItsBack(({ headers }) => headers.put(flips[1], 'shop'));
          const open2 = [
            await codeOf(again.list()),
            await codeOf(again.add({ kind: 'scan' })),
            await codeOf(again.diagnose()),
          ];
          await behindItsBack(({ headers }) => headers.put(header, 'shop'));
          return { codes, score, open: open2, then: (await again.list()).records.length };
        },
        { worker },
      );
      assert.deepEqual(seen, {
        codes: [...Array(7).fill('VAULT_DAMAGED'), 'STORAGE', 'SCHEMA_TOO_NEW'],
        score: 4,
        open: Array(3).fill('VAULT_DAMAGED'),
        then: 1,
      });
    });

    for (const [what, lose] of Object.entries({
      'its header is gone': `({ behindItsBack }) => behindItsBack(({ headers }) => headers.clear())`,
      'everything of it is gone': `({ behindItsBack }) => behindItsBack((stores) => Object.values(stores).forEach((store) => store.clear()))`,
      'the database is gone': `({ done }) => done(indexedDB.deleteDatabase('jicho-vault'))`,
      'another one has its name': `async ({ open, Vault }) => { await Vault.destroy('shop'); await (await open({ unlock: { key: new Uint8Array(32).fill(9) } })).close(); }`,
    })) {
      test(`open while ${what}, every call says so`, async () => {
        const other = await at.newPage();
        const calls = [
          'list()',
          'list({ limit: 1, geohash: "u" })',
          'get("0".repeat(32))',
          'add({ kind: "scan" })',
          'add({ kind: "sale", order: 1 })',
          'delete("0".repeat(32))',
          'deliver(() => undefined)',
          'rotate()',
          'diagnose()',
          'exportPlain("json")',
          'export(passphrase)',
        ];
        // Each in a vault that does not know yet.
        for (const call of calls) {
          const begin = async ({ open, Vault, args }) => {
            await Vault.destroy('shop', args);
            globalThis.vault = await open(args);
            await globalThis.vault.add({ kind: 'scan', score: 1 });
          };
          await at.inPage(begin, { worker });
          await at.inPage(lose, {}, other);
          const seen = `async ({ codeOf, passphrase }) => [await codeOf(globalThis.vault.${call}), await codeOf(globalThis.vault.list()), await globalThis.vault.close()]`;
          assert.deepEqual((await at.inPage(seen)).slice(0, 2), ['VAULT_CLOSED', 'VAULT_CLOSED'], call);
        }
      });
    }

    test('an app that opens it again after it is gone has a vault that works', async () => {
      const seen = await at.inPage(
        async ({ open, done, codeOf, args }) => {
          const vault = await open({ ...args, unlock: 'device' });
          await vault.add({ kind: 'scan' });
          await done(indexedDB.deleteDatabase('jicho-vault'));
          const code = await codeOf(vault.list());
          await vault.close();
          const again = await open({ ...args, unlock: 'device' });
          await again.add({ kind: 'scan', score: 2 });
          return { code, scores: (await again.list()).records.map(({ score }) => score) };
        },
        { worker },
      );
      assert.deepEqual(seen, { code: 'VAULT_CLOSED', scores: [2] });
    });
  });
}
